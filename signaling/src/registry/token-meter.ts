/** Tokens per second over the last minute, from what providers report with their heartbeats. */
import type { Clock } from '@llmesh/core/base/clock';

const SECONDS = 60;

export class TokenMeter {
  readonly #clock: Clock;
  readonly #start: number;
  /** One cell per second, used in turn; `#cellSecond` says which second a cell belongs to. */
  readonly #cells = new Array<number>(SECONDS).fill(0);
  readonly #cellSecond = new Array<number>(SECONDS).fill(-1);

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#start = clock.now();
  }

  add(tokens: number): void {
    const second = this.#second();
    const cell = second % SECONDS;
    if (this.#cellSecond[cell] !== second) {
      this.#cellSecond[cell] = second;
      this.#cells[cell] = 0;
    }
    this.#cells[cell] = (this.#cells[cell] ?? 0) + tokens;
  }

  get tokensPerSecond(): number {
    const second = this.#second();
    let sum = 0;
    for (let cell = 0; cell < SECONDS; cell++) {
      if ((this.#cellSecond[cell] ?? -1) > second - SECONDS) sum += this.#cells[cell] ?? 0;
    }
    return Math.round((sum / Math.min(SECONDS, second + 1)) * 10) / 10;
  }

  #second(): number {
    return Math.floor((this.#clock.now() - this.#start) / 1000);
  }
}
