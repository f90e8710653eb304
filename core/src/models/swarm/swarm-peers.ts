/** The links that can carry models, and the peers that are not dealt with any more. */
import { BoundedMap } from '../../base/bounded-map.ts';
import type { Clock } from '../../base/clock.ts';
import type { PeerId } from '../../base/ids.ts';
import type { Channel } from '../../peers/channel.ts';
import type { ContentId } from '../piece-store.ts';
import { noWay } from './pull/swarm-errors.ts';
import { SwarmPeer } from './link/swarm-peer.ts';

const MAX_BANS = 4_096;
/** Who broke the rules is banned from all models. */
const ANY = '*';

export interface SwarmPeersOptions {
  self: PeerId;
  /** See `SwarmOptions`. */
  connect: (peer: PeerId, signal: AbortSignal) => Promise<Channel>;
  learn: (peer: PeerId, certificate: string) => void;
  /** There is a link to this one now. */
  met: (peer: SwarmPeer) => void;
  clock: Clock;
}

export class SwarmPeers {
  readonly #options: SwarmPeersOptions;
  readonly #peers = new Map<Channel, SwarmPeer>();
  readonly #banned = new BoundedMap<string, true>(MAX_BANS);
  #strangers = 0;
  #closed = false;

  constructor(options: SwarmPeersOptions) {
    this.#options = options;
  }

  [Symbol.iterator](): IterableIterator<SwarmPeer> {
    return this.#peers.values();
  }

  /** Null: no pieces can travel on this channel. */
  of(channel: Channel): SwarmPeer | null {
    const known = this.#peers.get(channel);
    if (known !== undefined) return known;
    const { bulk } = channel;
    if (bulk === null || !channel.open || this.#closed) return null;
    const key = channel.proven ? channel.peer : `stranger ${this.#strangers++}`;
    const peer = new SwarmPeer(channel, bulk, key, this.#options.clock);
    this.#peers.set(channel, peer);
    this.#options.met(peer);
    return peer;
  }

  /** A holder, connected. Rejects with connect_failed, also when no pieces can travel to us from there. */
  async meet(
    { peerId, certificate }: { peerId: PeerId; certificate: string | null },
    signal: AbortSignal,
  ): Promise<SwarmPeer> {
    const { self, learn, connect } = this.#options;
    if (peerId === self) throw noWay();
    if (certificate !== null) learn(peerId, certificate);
    const peer = this.of(await connect(peerId, signal));
    if (peer === null) throw noWay();
    return peer;
  }

  /** Null: nobody knew it. */
  channelClosed(channel: Channel): SwarmPeer | null {
    const peer = this.#peers.get(channel) ?? null;
    this.#peers.delete(channel);
    if (peer?.outlaw === true) this.ban(peer.key, ANY);
    peer?.close();
    return peer;
  }

  /** We are it, or linked to it. */
  knows(peerId: PeerId): boolean {
    if (peerId === this.#options.self) return true;
    for (const { key } of this.#peers.values()) if (key === peerId) return true;
    return false;
  }

  /** `key`: see `SwarmPeer.key`. */
  ban(key: string, content: ContentId | typeof ANY): void {
    this.#banned.set(`${key} ${content}`, true);
  }

  isBanned(key: string, content: ContentId): boolean {
    return this.#banned.has(`${key} ${content}`) || this.#banned.has(`${key} ${ANY}`);
  }

  /** Nobody new is met. */
  close(): void {
    this.#closed = true;
  }
}
