/** A token bucket for each address that asks. */
import type { Clock } from '@llmesh/core/base/clock';
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import { TokenBucket, type Rate } from '@llmesh/core/base/token-bucket';

/** Addresses remembered at once. */
const MAX_BUCKETS = 10_000;

export class AddressBuckets {
  readonly #clock: Clock;
  readonly #rate: Rate;
  /** When there are too many, the address that has been quiet longest is forgotten: memory before fairness. */
  readonly #buckets = new BoundedMap<string, TokenBucket>(MAX_BUCKETS);

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
  }

  take(address: string, cost = 1): boolean {
    const bucket = this.#buckets.get(address) ?? new TokenBucket(this.#clock, this.#rate);
    this.#buckets.set(address, bucket);
    return bucket.take(cost);
  }

  /** What it may take at once now. */
  level(address: string): number {
    return this.#buckets.get(address)?.level ?? this.#rate.burst;
  }
}
