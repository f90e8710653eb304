/**
 * The way to a peer, wherever it is connected: directly if it is here, otherwise through the instance that presence
 * names. Messages from here to one peer arrive in order. A session may end between the look-up and the message; then
 * the message is lost, and the sender of a request hears that.
 */
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Cluster } from './cluster.ts';
import type { InstanceId } from './instance.ts';
import { readAddressed, writeAddressed, type Notice } from './peer-notice.ts';

/** A long time between neighbouring servers; a requester waits for it. */
export const REACH_MS = 2_000;
/** Notices that wait for earlier ones to the same peer. Beyond that, the newest are dropped. */
export const MAX_UNDER_WAY = 64;

export interface PeerPostOptions {
  cluster: Pick<Cluster, 'instance' | 'presence' | 'broker'>;
  /** Hands it to this peer's session here. False: there is none. */
  deliver: (peer: PeerId, notice: Notice) => boolean;
}

interface Turns {
  last: Promise<unknown>;
  count: number;
}

export class PeerPost {
  readonly #options: PeerPostOptions;
  /** For each peer that is elsewhere, the last notice on its way to it. */
  readonly #underWay = new Map<PeerId, Turns>();
  #stopListening: Promise<() => Promise<void>> | null = null;

  constructor(options: PeerPostOptions) {
    this.#options = options;
  }

  /** From now on, other instances reach the peers that are here. */
  async open(): Promise<void> {
    const { cluster, deliver } = this.#options;
    this.#stopListening ??= cluster.broker.listen(`instance.${cluster.instance}`, (message) => {
      const addressed = readAddressed(message);
      return addressed !== null && deliver(addressed.to, addressed.notice) ? TAKEN : null;
    });
    await this.#stopListening;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await (
      await this.#stopListening
    )?.();
  }

  /** Is this peer at any instance? Rejects when that is unknown. */
  async isAnywhere(peer: PeerId): Promise<boolean> {
    return (await this.#options.cluster.presence.find(peer)) !== null;
  }

  /** Best effort: a peer that is gone or unreachable does not hear it. */
  tell(peer: PeerId, notice: Notice): void {
    if (this.#options.deliver(peer, notice)) return;
    const { broker } = this.#options.cluster;
    this.#inTurn(peer, async () => {
      const at = await this.#elsewhere(peer);
      if (at !== null) await broker.tell(`instance.${at}`, writeAddressed({ to: peer, notice }));
    }).catch(() => {});
  }

  /** Like `tell`, but to the instance where the peer was or is, whatever presence says by now. */
  tellAt(instance: InstanceId, peer: PeerId, notice: Notice): void {
    const { broker } = this.#options.cluster;
    broker.tell(`instance.${instance}`, writeAddressed({ to: peer, notice })).catch(() => {});
  }

  /** Did a session of this peer take it? Rejects when that is unknown. */
  async reach(peer: PeerId, notice: Notice): Promise<boolean> {
    const { cluster, deliver } = this.#options;
    if (deliver(peer, notice)) return true;
    return await this.#inTurn(peer, async () => {
      const at = await this.#elsewhere(peer);
      // It may have come here since.
      if (at === null) return deliver(peer, notice);
      const answer = await cluster.broker.ask(`instance.${at}`, writeAddressed({ to: peer, notice }), REACH_MS);
      return answer !== null;
    });
  }

  async #elsewhere(peer: PeerId): Promise<InstanceId | null> {
    const { instance, presence } = this.#options.cluster;
    const at = await presence.find(peer);
    return at === null || at.instance === instance ? null : at.instance;
  }

  /** Sends after earlier notices to this peer, whether or not they succeed. */
  async #inTurn<T>(peer: PeerId, send: () => Promise<T>): Promise<T> {
    const turns = this.#underWay.get(peer) ?? { last: Promise.resolve(), count: 0 };
    if (turns.count >= MAX_UNDER_WAY) throw new MeshError('busy', CROWDED);
    const sent = turns.last.then(send);
    this.#underWay.set(peer, turns);
    turns.last = sent.catch(() => {});
    turns.count += 1;
    try {
      return await sent;
    } finally {
      turns.count -= 1;
      if (turns.count === 0) this.#underWay.delete(peer);
    }
  }
}

const TAKEN = 'taken';
const CROWDED = 'Too many are calling that volunteer. Try again in a few seconds.';
