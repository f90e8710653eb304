/** How much one peer may send on `/mesh`. A peer over the limit is first warned, then ignored, and finally cut off. */
import type { Clock } from '@llmesh/core/base/clock';
import { TokenBucket } from '@llmesh/core/base/token-bucket';

/** A message costs one, and one more for every 16 KiB, so that few large ones cost as much as many small ones. */
const RATE = { perSecond: 50, burst: 200 };
const BYTES_PER_TOKEN = 16_384;
/** Messages over the rate that are dropped before the connection is closed. */
const MAX_OVER_RATE = 100;

export type Verdict = 'take' | 'warn' | 'drop' | 'close';

export class MessageAllowance {
  readonly #bucket: TokenBucket;
  #overRate = 0;

  constructor(clock: Clock) {
    this.#bucket = new TokenBucket(clock, RATE);
  }

  /** The last message cost more than usual: it counts as this many more. */
  charge(messages: number): void {
    this.#bucket.overdraw(messages);
  }

  /** What to do with a message of this many bytes; only on `take` it is read. */
  judge(bytes: number): Verdict {
    if (this.#bucket.take(1 + bytes / BYTES_PER_TOKEN)) {
      if (this.#bucket.level > RATE.burst / 2) this.#overRate = 0;
      return 'take';
    }
    this.#overRate++;
    if (this.#overRate === 1) return 'warn';
    return this.#overRate > MAX_OVER_RATE ? 'close' : 'drop';
  }
}
