/**
 * What one PeerServer client may send. PeerServer itself takes any JSON: a deeply nested payload throws inside it and
 * costs the *receiver* its connection, a `dst` that is not a string can crash its timers, and what waits for absent
 * peers has no limit. So each message is judged here first, by what PeerJS clients really send (never LEAVE or EXPIRE:
 * those come from the server).
 */
import * as v from 'valibot';
import type { Clock } from '@llmesh/core/base/clock';
import type { ErrorCode } from '@llmesh/core/base/errors';
import { isPeerId, type PeerId } from '@llmesh/core/base/ids';
import { TokenBucket } from '@llmesh/core/base/token-bucket';
import type { Networks } from '../sockets/address.ts';
import type { Sender, SignalTraffic } from './signal-traffic.ts';

/** Session descriptions and candidates take a few kilobytes. */
export const MAX_SIGNAL_BYTES = 65_536;
/** A message costs one, and one more for every 4 KiB: a connection takes about a dozen. */
const RATE = { perSecond: 50, burst: 400 };
const BYTES_PER_TOKEN = 4096;
/** PeerJS nests six deep. */
const MAX_DEPTH = 12;
/** An offer and its candidates may arrive before a peer that is just reconnecting. */
const MAX_WAITING_FOR_ONE = 32;
const MAX_WAITING = 4096;
const MAX_WAITING_BYTES = 16_777_216;
/** The share that one network may have of that, a narrow or a wide one. */
const NETWORK_SHARE = { narrow: 1 / 8, wide: 1 / 4 };

const SignalSchema = v.variant('type', [
  v.object({ type: v.literal('HEARTBEAT') }),
  v.object({
    type: v.picklist(['OFFER', 'ANSWER', 'CANDIDATE']),
    dst: v.custom<PeerId>(isPeerId),
    payload: v.record(v.string(), v.unknown()),
  }),
]);
type Signal = v.InferOutput<typeof SignalSchema>;

export type Verdict =
  | { pass: true; type: Signal['type'] }
  /** `close`: the client is at fault. Otherwise the message is dropped and the client hears nothing. */
  | { pass: false; close: boolean; code: ErrorCode; why: string };

export class SignalGuard {
  readonly #bucket: TokenBucket;
  readonly #waiting: AbsentQueues;
  readonly #traffic: SignalTraffic;
  readonly #sender: Sender;

  constructor(clock: Clock, waiting: AbsentQueues, traffic: SignalTraffic, sender: Sender) {
    this.#bucket = new TokenBucket(clock, RATE);
    this.#waiting = waiting;
    this.#traffic = traffic;
    this.#sender = sender;
  }

  judge(data: Buffer, isBinary: boolean): Verdict {
    const cost = 1 + data.length / BYTES_PER_TOKEN;
    if (!this.#bucket.take(cost)) {
      return {
        pass: false,
        close: true,
        code: 'rate_limited',
        why: 'Too many signalling messages.',
      };
    }
    const signal = isBinary ? null : parseSignal(data.toString());
    if (signal === null) return { pass: false, close: true, code: 'bad_message', why: 'Not a PeerJS message.' };
    if ('dst' in signal && !this.#traffic.admits(this.#sender, signal.dst, signal.type === 'OFFER', cost)) {
      return { pass: false, close: false, code: 'busy', why: 'Your network has sent enough to that peer.' };
    }
    if ('dst' in signal && !this.#waiting.admit(signal.dst, data.length, this.#sender.from)) {
      return { pass: false, close: false, code: 'busy', why: 'Enough messages are already waiting for that peer.' };
    }
    return { pass: true, type: signal.type };
  }
}

/** Limits what waits in PeerServer's queues for absent peers. The queues themselves are inaccessible. */
export class AbsentQueues {
  readonly #clock: Clock;
  readonly #isHere: (peer: PeerId) => boolean;
  readonly #expireMs: number;
  #counts = new Map<PeerId, number>();
  /** The total under the empty name, and the part of each network. */
  #waiting = new Map<string, { count: number; bytes: number }>();
  #emptyAt = 0;

  /** `expireMs`: the time after which PeerServer has dropped a queue. */
  constructor(clock: Clock, isHere: (peer: PeerId) => boolean, expireMs: number) {
    this.#clock = clock;
    this.#isHere = isHere;
    this.#expireMs = expireMs;
  }

  admit(peer: PeerId, byteCount: number, { narrow, wide }: Networks): boolean {
    if (this.#isHere(peer)) return true;
    if (this.#clock.now() >= this.#emptyAt) {
      // What was counted in the window before last is gone by now; two windows together are the limit.
      this.#counts = new Map();
      this.#waiting = new Map();
      this.#emptyAt = this.#clock.now() + this.#expireMs;
    }
    const count = this.#counts.get(peer) ?? 0;
    if (count >= MAX_WAITING_FOR_ONE) return false;
    const shares: [string, number][] = [
      ['', 1],
      [narrow, NETWORK_SHARE.narrow],
      [wide, NETWORK_SHARE.wide],
    ];
    if (shares.some(([who, share]) => !this.#fits(who, share, byteCount))) return false;
    this.#counts.set(peer, count + 1);
    for (const who of new Set(shares.map(([name]) => name))) {
      const before = this.#waiting.get(who) ?? { count: 0, bytes: 0 };
      this.#waiting.set(who, { count: before.count + 1, bytes: before.bytes + byteCount });
    }
    return true;
  }

  #fits(who: string, share: number, byteCount: number): boolean {
    const { count, bytes } = this.#waiting.get(who) ?? { count: 0, bytes: 0 };
    return count < share * MAX_WAITING && bytes + byteCount <= share * MAX_WAITING_BYTES;
  }
}

function parseSignal(json: string): Signal | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  if (!shallow(value, MAX_DEPTH)) return null;
  const result = v.safeParse(SignalSchema, value);
  return result.success ? result.output : null;
}

function shallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => shallow(inner, depth - 1));
}
