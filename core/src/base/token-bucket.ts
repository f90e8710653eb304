/** Limits how often somebody may do something: `perSecond` on average, `burst` at once. */
import type { Clock } from './clock.ts';

export interface Rate {
  perSecond: number;
  burst: number;
}

export class TokenBucket {
  readonly #clock: Clock;
  readonly #rate: Rate;
  #level: number;
  #at: number;

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#level = rate.burst;
    this.#at = clock.now();
  }

  /** Takes `cost` and says true, or takes nothing and says false. */
  take(cost: number): boolean {
    const level = this.#refill();
    if (level < cost) return false;
    this.#level = level - cost;
    return true;
  }

  /** Takes `cost` in any case, and returns in how many milliseconds the bucket has recovered; 0: it is not in debt. */
  overdraw(cost: number): number {
    const level = this.#refill() - cost;
    this.#level = level;
    return Math.max(0, (-level / this.#rate.perSecond) * 1000);
  }

  get level(): number {
    return this.#levelAt(this.#clock.now());
  }

  /** Whether nothing was taken lately, so that forgetting this bucket changes nothing. */
  get full(): boolean {
    return this.level >= this.#rate.burst;
  }

  /** What is there now, noted as such. */
  #refill(): number {
    const nowMs = this.#clock.now();
    this.#level = this.#levelAt(nowMs);
    this.#at = nowMs;
    return this.#level;
  }

  #levelAt(nowMs: number): number {
    const refilled = ((nowMs - this.#at) / 1000) * this.#rate.perSecond;
    return Math.min(this.#rate.burst, this.#level + refilled);
  }
}
