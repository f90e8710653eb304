/**
 * Filters what reaches PeerJS from the signalling server. PeerJS trusts its server: an offer with an unknown serialisation
 * is an uncaught exception in it, candidates for unknown connections pile up for ever, and every offer makes a live
 * connection. So each message is parsed here first, and messages of greedy peers are dropped.
 */
import * as v from 'valibot';
import type { Clock } from '../base/clock.ts';
import { isPeerId, type PeerId } from '../base/ids.ts';

export const SERIALIZATION = 'raw';

const MAX_SDP_CHARS = 16_384;
const connectionId = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const src = v.custom<PeerId>(isPeerId);
const sdp = (type: 'offer' | 'answer') =>
  v.object({ type: v.literal(type), sdp: v.pipe(v.string(), v.maxLength(MAX_SDP_CHARS)) });

const SignalSchema = v.variant('type', [
  v.object({ type: v.literal('OPEN') }),
  v.object({ type: v.literal('ERROR'), payload: v.object({ msg: v.pipe(v.string(), v.maxLength(1024)) }) }),
  v.object({ type: v.literal('ID-TAKEN') }),
  v.object({ type: v.literal('INVALID-KEY') }),
  v.object({ type: v.literal('EXPIRE'), src }),
  v.object({
    type: v.literal('OFFER'),
    src,
    payload: v.object({
      type: v.literal('data'),
      serialization: v.literal(SERIALIZATION),
      reliable: v.literal(true),
      connectionId,
      label: v.pipe(v.string(), v.maxLength(64)),
      sdp: sdp('offer'),
    }),
  }),
  v.object({ type: v.literal('ANSWER'), src, payload: v.object({ connectionId, sdp: sdp('answer') }) }),
  v.object({
    type: v.literal('CANDIDATE'),
    src,
    payload: v.object({
      connectionId,
      candidate: v.object({
        candidate: v.pipe(v.string(), v.maxLength(1024)),
        sdpMid: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(64)))),
        sdpMLineIndex: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(16)))),
        usernameFragment: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(256)))),
      }),
    }),
  }),
]);
export type Signal = v.InferOutput<typeof SignalSchema>;

/**
 * A message of the server as a signal, or null. LEAVE does not count: the link to a peer tells whether it is gone, never the
 * server.
 */
export function parseSignal(message: unknown): Signal | null {
  const result = v.safeParse(SignalSchema, message);
  return result.success ? result.output : null;
}

const OFFERS_PER_MINUTE = 30;
const OFFERS_PER_MINUTE_ALL = 600;
const CANDIDATES_PER_CONNECTION = 64;
/** Candidates can overtake their offer. This many connections may have some waiting, as PeerJS keeps them for good. */
const MAX_EARLY_CONNECTIONS = 64;

/** Counts offers, answers and candidates, per sender and per connection, over the last minute. */
export class SignalLimits {
  #clock: Clock;
  #minuteStartMs: number;
  #offers = new Map<PeerId, number>();
  #allOffers = 0;
  #candidates = new Map<string, number>();
  #answered = new Set<string>();
  /** Candidates of connections that nobody offered yet, counted for as long as nobody does. */
  #early = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#minuteStartMs = clock.now();
  }

  /**
   * Whether this signal may pass, which counts it. `known`: whether PeerJS has its connection. A repeated offer would end that one.
   */
  admit(signal: Signal, known: boolean): boolean {
    if (this.#clock.now() - this.#minuteStartMs > 60_000) {
      this.#minuteStartMs = this.#clock.now();
      this.#offers.clear();
      this.#allOffers = 0;
      this.#candidates.clear();
      this.#answered.clear();
    }
    if (signal.type === 'OFFER') {
      if (known) return false;
      const sent = (this.#offers.get(signal.src) ?? 0) + 1;
      if (sent > OFFERS_PER_MINUTE || this.#allOffers >= OFFERS_PER_MINUTE_ALL) return false;
      this.#offers.set(signal.src, sent);
      this.#allOffers += 1;
      this.#early.delete(keyOf(signal));
      return true;
    }
    if (signal.type !== 'ANSWER' && signal.type !== 'CANDIDATE') return true;
    const key = keyOf(signal);
    if (signal.type === 'ANSWER') {
      if (!known || this.#answered.has(key)) return false;
      this.#answered.add(key);
      return true;
    }
    const counts = known ? this.#candidates : this.#early;
    const sent = counts.get(key) ?? 0;
    if (sent >= CANDIDATES_PER_CONNECTION) return false;
    if (!known && sent === 0 && this.#early.size >= MAX_EARLY_CONNECTIONS) return false;
    counts.set(key, sent + 1);
    return true;
  }
}

function keyOf({ src, payload }: { src: PeerId; payload: { connectionId: string } }): string {
  return `${src} ${payload.connectionId}`;
}
