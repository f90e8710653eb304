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
    const level = this.level;
    this.#at = this.#clock.now();
    this.#level = level >= cost ? level - cost : level;
    return level >= cost;
  }

  /** Takes `cost` in any case, and returns in how many milliseconds the bucket has recovered; 0: it is not in debt. */
  overdraw(cost: number): number {
    const level = this.level - cost;
    this.#at = this.#clock.now();
    this.#level = level;
    return Math.max(0, (-level / this.#rate.perSecond) * 1000);
  }

  get level(): number {
    const refilled = ((this.#clock.now() - this.#at) / 1000) * this.#rate.perSecond;
    return Math.min(this.#rate.burst, this.#level + refilled);
  }

  /** Whether nothing was taken lately, so that forgetting this bucket changes nothing. */
  get full(): boolean {
    return this.level >= this.#rate.burst;
  }
}
