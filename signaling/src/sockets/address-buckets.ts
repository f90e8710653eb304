/** A token bucket for each address that asks. */
import type { Clock } from '@llmesh/core/base/clock';
import { TokenBucket, type Rate } from '@llmesh/core/base/token-bucket';

/** Addresses remembered at once. */
const MAX_BUCKETS = 10_000;

export class AddressBuckets {
  readonly #clock: Clock;
  readonly #rate: Rate;
  /** The most recent come last. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
  }

  take(address: string, cost = 1): boolean {
    const bucket = this.#buckets.get(address) ?? new TokenBucket(this.#clock, this.#rate);
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    // When there are too many, forget the address that has been quiet longest: memory before fairness.
    for (const quietest of this.#buckets.keys()) {
      if (this.#buckets.size <= MAX_BUCKETS) break;
      this.#buckets.delete(quietest);
    }
    return bucket.take(cost);
  }

  /** What it may take at once now. */
  level(address: string): number {
    return this.#buckets.get(address)?.level ?? this.#rate.burst;
  }
}
