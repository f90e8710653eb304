/** How much one peer may say on `/mesh`. Too much is first told, then dropped, and in the end not listened to any more. */
import type { Clock } from '@llmesh/core/base/clock';
import { TokenBucket } from '@llmesh/core/base/token-bucket';

/** A message costs one, and one more for every 16 KiB, so that few large ones cannot do what many small ones may not. */
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

  /** The last message was more than it should have been: it counts as so many more. */
  charge(messages: number): void {
    this.#bucket.overdraw(messages);
  }

  /** What to do with a message of so many bytes; only on `take` it is looked at. */
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
