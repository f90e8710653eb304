/** Tokens a second over the last ten minutes, in steps of five seconds. */
import type { Clock } from '@llmesh/core/base/clock';

export const STEP_MS = 5_000;
export const STEPS = 120;

export class Tempo {
  readonly #clock: Clock;
  #steps = $state.raw<readonly number[]>([]);
  #tokens = 0;
  #stopTimer: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Oldest first, at most 120. */
  get steps(): readonly number[] {
    return this.#steps;
  }

  get most(): number {
    return Math.max(0, ...this.#steps);
  }

  add(tokens: number): void {
    this.#tokens += tokens;
  }

  /** Measures until `stop`. */
  start(): void {
    this.stop();
    this.#stopTimer = this.#clock.after(STEP_MS, () => {
      this.#steps = [...this.#steps, (this.#tokens * 1000) / STEP_MS].slice(-STEPS);
      this.#tokens = 0;
      this.start();
    });
  }

  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
  }
}
