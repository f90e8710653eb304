/** Notices that this computer, or the browser's page, has slept: time passed, and nothing here ran. */
import type { Clock } from '@llmesh/core/base/clock';

const TICK_MS = 1_000;
/** A busy machine is late as well, but not by so much. */
const SLEPT_MS = 5_000;
/** For how long after waking something may fail for the sleep's sake. */
const LATELY_MS = 60_000;

export class SleepWatch {
  readonly #now: () => number;
  #tickedAt: number;
  #wokeAt = -Infinity;

  /** `now`: milliseconds since 1970, as clocks of other kinds stand still meanwhile. */
  constructor(clock: Clock, now: () => number) {
    this.#now = now;
    this.#tickedAt = now();
    const tick = () => {
      this.#look();
      this.#tickedAt = now();
      clock.after(TICK_MS, tick);
    };
    clock.after(TICK_MS, tick);
  }

  /** Also before the first timer after waking runs. */
  get lately(): boolean {
    this.#look();
    return this.#now() - this.#wokeAt < LATELY_MS;
  }

  #look(): void {
    const now = this.#now();
    if (now - this.#tickedAt > TICK_MS + SLEPT_MS) this.#wokeAt = now;
  }
}
