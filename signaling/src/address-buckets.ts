/** A token bucket for each address that asks. */
import type { Clock } from '@llmesh/core/clock';
import { TokenBucket, type Rate } from '@llmesh/core/token-bucket';

/** Addresses remembered at once. */
const MAX_BUCKETS = 10_000;

export class AddressBuckets {
  readonly #clock: Clock;
  readonly #rate: Rate;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
  }

  take(address: string): boolean {
    let bucket = this.#buckets.get(address);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_BUCKETS) this.#forget();
      this.#buckets.set(address, (bucket = new TokenBucket(this.#clock, this.#rate)));
    }
    return bucket.take(1);
  }

  /** Those that are full again first; if nobody is, everybody: memory before fairness. */
  #forget(): void {
    for (const [address, bucket] of this.#buckets) if (bucket.full) this.#buckets.delete(address);
    if (this.#buckets.size >= MAX_BUCKETS) this.#buckets.clear();
  }
}
