/** How fast a queue moves: by recent turns, and before there were any, by the providers' stated speeds. */
import type { Clock } from '@llmesh/core/base/clock';

/** The stated speed counts as much as this many observed turns. */
const PROMISED_TURNS = 2;
const HALF_LIFE_MS = 60_000;

export class QueuePace {
  readonly #clock: Clock;
  #turns = 0;
  #elapsedMs = 0;
  #atMs: number;
  /** Turns per second. */
  promised: number;

  constructor(clock: Clock, promised: number) {
    this.#clock = clock;
    this.#atMs = clock.now();
    this.promised = promised;
  }

  /** Counts one turn. */
  turn(): void {
    this.#fade();
    this.#turns++;
  }

  /** The wait until this position has its turn; null: nothing was observed and no speed is stated. */
  estimateMs(position: number): number | null {
    this.#fade();
    const promisedMs = this.promised > 0 ? (PROMISED_TURNS * 1000) / this.promised : Infinity;
    const [turns, elapsedMs] = Number.isFinite(promisedMs)
      ? [this.#turns + PROMISED_TURNS, this.#elapsedMs + promisedMs]
      : [this.#turns, this.#elapsedMs];
    return turns === 0 ? null : Math.round((position * elapsedMs) / turns);
  }

  #fade(): void {
    const passedMs = this.#clock.now() - this.#atMs;
    const kept = 0.5 ** (passedMs / HALF_LIFE_MS);
    this.#turns *= kept;
    this.#elapsedMs = this.#elapsedMs * kept + passedMs;
    this.#atMs += passedMs;
  }
}
