/**
 * Signalling through a mutual peer, for when the control plane is away: A's offer goes to C through B, which has links
 * to both, and the answer comes back the same way. The introducing peer can withhold, delay and see who meets whom; if
 * it alters anything, the seal of the new link fails.
 */
import { untilAborted } from '../base/abort.ts';
import type { Channel } from './channel.ts';
import type { Clock } from '../base/clock.ts';
import { MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import type { IntroductionMessage } from '../protocol.ts';
import { TokenBucket } from '../base/token-bucket.ts';

/** The time for both hops and for the other end to gather its addresses. */
const ANSWER_TIMEOUT_MS = 5_000;
/** How many peers are asked, one after the other. */
const MAX_INTRODUCERS = 4;
/** How many introductions pass through us at once, for all peers. */
const MAX_PASSING = 64;
/** The rates for one link: what it may make us pass on, and what it may bring us. */
const PASSING = { perSecond: 0.2, burst: 8 };
const BRINGING = { perSecond: 0.5, burst: 16 };

export class Introductions {
  /** Set by the owner of links: those over which we could be introduced to `peer`, the likeliest first. */
  through: (peer: PeerId) => Channel[] = () => [];
  /** Set likewise: finds an open link to `peer`; null: there is none. */
  linkTo: (peer: PeerId) => Channel | null = () => null;
  /** Set by the transport: `peer` wants to connect with us. Resolves with our answer, or null. Never rejects. */
  offered: ((peer: PeerId, offer: string) => Promise<string | null>) | null = null;
  readonly #clock: Clock;
  readonly #pending = new Map<Channel, Map<number, (answer: string | null) => void>>();
  readonly #passing = new WeakMap<Channel, TokenBucket>();
  readonly #bringing = new WeakMap<Channel, TokenBucket>();
  #nextId = 1;
  #underWay = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer of `peer` to our offer. Rejects with connect_failed or cancelled. */
  async ask(peer: PeerId, offer: string, signal: AbortSignal): Promise<string> {
    for (const channel of this.through(peer).slice(0, MAX_INTRODUCERS)) {
      const answer = await untilAborted(this.#request(channel, 'INTRODUCE', peer, offer), signal);
      if (answer !== null) return answer;
    }
    throw new MeshError('connect_failed', 'Nobody who is connected could introduce that volunteer.');
  }

  handle(channel: Channel, message: IntroductionMessage): void {
    switch (message.kind) {
      case 'INTRODUCE':
        void this.#pass(channel, message);
        break;
      case 'INTRODUCED':
        void this.#bring(channel, message);
        break;
      case 'INTRODUCTION':
        this.#pending.get(channel)?.get(message.id)?.(message.answer);
        break;
      default:
        message satisfies never;
    }
  }

  channelClosed(channel: Channel): void {
    for (const settle of [...(this.#pending.get(channel)?.values() ?? [])]) settle(null);
  }

  async #pass(from: Channel, { id, peer, offer }: Extract<IntroductionMessage, { kind: 'INTRODUCE' }>): Promise<void> {
    const to = this.linkTo(peer);
    const may = take(this.#passing, from, PASSING, this.#clock);
    let answer: string | null = null;
    if (to !== null && peer !== from.peer && may && this.#underWay < MAX_PASSING) {
      this.#underWay += 1;
      answer = await this.#request(to, 'INTRODUCED', from.peer, offer);
      this.#underWay -= 1;
    }
    reply(from, id, answer);
  }

  async #bring(by: Channel, { id, peer, offer }: Extract<IntroductionMessage, { kind: 'INTRODUCED' }>): Promise<void> {
    const may = take(this.#bringing, by, BRINGING, this.#clock);
    const answer = may ? await this.offered?.(peer, offer) : null;
    reply(by, id, answer ?? null);
  }

  /** Null: refused, too late, or the link to it is gone. Never rejects. */
  #request(channel: Channel, kind: 'INTRODUCE' | 'INTRODUCED', peer: PeerId, offer: string): Promise<string | null> {
    if (!channel.open) return Promise.resolve(null);
    const id = this.#nextId++;
    const ofChannel = this.#pending.get(channel) ?? new Map<number, (answer: string | null) => void>();
    this.#pending.set(channel, ofChannel);
    return new Promise((resolve) => {
      const settle = (answer: string | null) => {
        stopTimer();
        ofChannel.delete(id);
        if (ofChannel.size === 0) this.#pending.delete(channel);
        resolve(answer);
      };
      const stopTimer = this.#clock.after(ANSWER_TIMEOUT_MS, () => settle(null));
      ofChannel.set(id, settle);
      try {
        channel.send({ kind, id, peer, offer });
      } catch {
        // Such an offer would make the other end break the link.
        settle(null);
      }
    });
  }
}

/** A description that cannot be passed on counts as none. */
function reply(channel: Channel, id: number, answer: string | null): void {
  try {
    channel.send({ kind: 'INTRODUCTION', id, answer });
  } catch {
    channel.send({ kind: 'INTRODUCTION', id, answer: null });
  }
}

function take(
  buckets: WeakMap<Channel, TokenBucket>,
  channel: Channel,
  rate: { perSecond: number; burst: number },
  clock: Clock,
): boolean {
  const bucket = buckets.get(channel) ?? new TokenBucket(clock, rate);
  buckets.set(channel, bucket);
  return bucket.take(1);
}
