/**
 * How often one provider's free slots are offered to the queue. Turns that serve anyone are free. Fruitless ones cost a
 * scan of the queue each: a provider that flips between full and free gets a few of them a second.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { TokenBucket } from '@llmesh/core/base/token-bucket';
import type { RegisteredPeer } from '../registry/registered-peer.ts';

const FRUITLESS = { perSecond: 4, burst: 16 };
/** A provider that had too many is checked again after this. */
export const PUT_OFF_MS = 250;

export class TurnPace {
  readonly #clock: Clock;
  readonly #serve: (provider: RegisteredPeer) => void;
  readonly #buckets = new WeakMap<RegisteredPeer, TokenBucket>();
  #putOff = new Set<RegisteredPeer>();
  #stopTimer: (() => void) | null = null;

  /** `serve` is called for each that was put off. */
  constructor(clock: Clock, serve: (provider: RegisteredPeer) => void) {
    this.#clock = clock;
    this.#serve = serve;
  }

  /** False: not now, but soon, however often it is asked until then. */
  mayLook(provider: RegisteredPeer): boolean {
    const bucket = this.#buckets.get(provider);
    if (bucket === undefined || bucket.level >= 1) return true;
    this.#putOff.add(provider);
    this.#stopTimer ??= this.#clock.after(PUT_OFF_MS, () => this.#lookAgain());
    return false;
  }

  /** It suited nobody in the queue. */
  fruitless(provider: RegisteredPeer): void {
    let bucket = this.#buckets.get(provider);
    if (bucket === undefined) this.#buckets.set(provider, (bucket = new TokenBucket(this.#clock, FRUITLESS)));
    bucket.take(1);
  }

  /** Idempotent. */
  close(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#putOff.clear();
  }

  #lookAgain(): void {
    this.#stopTimer = null;
    const providers = this.#putOff;
    this.#putOff = new Set();
    for (const provider of providers) this.#serve(provider);
  }
}
