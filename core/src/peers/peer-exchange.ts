/** Peers tell each other about providers, over links that they already have. */
import * as v from 'valibot';
import type { Channel, Message } from './channel.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Clock } from '../base/clock.ts';
import type { KnownProviders } from './known-providers.ts';
import type { Links } from './links.ts';
import { KnownPeersSchema, MAX_KNOWN_PEERS, type KnownPeer } from '../protocol.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import type { Candidate } from '../wire/candidate.ts';

/** A link that lasts this long is worth asking over. */
const SETTLED_MS = 5_000;
/** Enough providers: a peer that knows this many asks no further, except when the control plane goes away. */
const ENOUGH = 16;
/** The rate of answers on one link. */
const ANSWERS = { perSecond: 0.1, burst: 3 };

/** The rough size of one answer: adverts are others' words, and those of 32 providers may exceed a message. */
const MAX_ANSWER_CHARS = 262_144;

export interface PeerExchangeOptions {
  links: Links;
  known: KnownProviders;
  checkpoints: Checkpoints;
  clock: Clock;
  /** Our own offers; null: we stay anonymous, and tell nothing by which we could be recognised. */
  ours: () => Candidate[] | null;
}

export class PeerExchange {
  readonly #options: PeerExchangeOptions;
  /** Channels that owe us an answer, and how many peers we asked for. */
  readonly #asked = new WeakMap<Channel, number>();
  readonly #answers = new WeakMap<Channel, TokenBucket>();
  readonly #settling = new Map<Channel, () => void>();

  constructor(options: PeerExchangeOptions) {
    this.#options = options;
  }

  opened(channel: Channel): void {
    const { clock, known, checkpoints } = this.#options;
    const stopTimer = clock.after(SETTLED_MS, () => {
      this.#settling.delete(channel);
      if (known.providers().size < ENOUGH) this.ask(channel);
      else if (checkpoints.latest !== null) this.ask(channel, 0);
    });
    this.#settling.set(channel, stopTimer);
  }

  channelClosed(channel: Channel): void {
    this.#settling.get(channel)?.();
    this.#settling.delete(channel);
  }

  /** The control plane is gone: connected peers may know more. */
  askAll(): void {
    for (const channel of this.#options.links.all()) this.ask(channel);
  }

  handle(channel: Channel, message: Extract<Message, { kind: 'REQUEST_PEERS' | 'KNOWN_PEERS' }>): void {
    const { known, checkpoints } = this.#options;
    if (message.kind === 'REQUEST_PEERS') this.#answer(channel, message.most ?? MAX_KNOWN_PEERS);
    else {
      const most = this.#asked.get(channel);
      // Ignore unsolicited replies.
      if (most === undefined) return;
      this.#asked.delete(channel);
      // Who was asked for nobody does not take back what it said before.
      if (most > 0) known.told(channel.peer, message.peers);
    }
    // Whoever says it, the log has signed it.
    checkpoints.heard(message.checkpoint, channel.peer);
  }

  /** Its answer replaces what it said before. `most`: 0 to compare checkpoints only. */
  ask(channel: Channel, most = MAX_KNOWN_PEERS): void {
    // A peer that has not proved who it is could speak in anyone's name.
    if (!channel.proven) return;
    this.#asked.set(channel, most);
    channel.send({ kind: 'REQUEST_PEERS', ...(most < MAX_KNOWN_PEERS && { most }), ...this.#shown() });
  }

  #shown(): { checkpoint?: string } {
    const { latest } = this.#options.checkpoints;
    return latest === null ? {} : { checkpoint: latest };
  }

  #answer(channel: Channel, most: number): void {
    const { clock, links, known, ours } = this.#options;
    const answers = this.#answers.get(channel) ?? new TokenBucket(clock, ANSWERS);
    this.#answers.set(channel, answers);
    if (!answers.take(1)) return;
    const own = ours();
    const peers: KnownPeer[] = [];
    if (own !== null) {
      for (const candidate of own) peers.push({ ...candidate, ageSeconds: 0, linked: false });
      peers.push(...known.toTell(channel.peer, (peer) => links.to(peer) !== null));
    }
    channel.send({ kind: 'KNOWN_PEERS', peers: fitting(peers, most), ...this.#shown() });
  }
}

/** The adverts that the other end accepts: the rest must not break the link. */
function fitting(peers: readonly KnownPeer[], most: number): KnownPeer[] {
  const told: KnownPeer[] = [];
  let chars = 0;
  for (const peer of peers) {
    chars += JSON.stringify(peer).length;
    if (told.length >= most || chars > MAX_ANSWER_CHARS) break;
    if (v.is(KnownPeersSchema.entries.peers, [peer])) told.push(peer);
  }
  return told;
}
