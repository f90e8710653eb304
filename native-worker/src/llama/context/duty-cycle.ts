/**
 * `--share`: computes for a part of the time, on any device. Answers take their steps in rounds, so that those that are
 * written together still share theirs; after a round that took t the next waits t·(1/share − 1).
 */
import { untilAborted } from '@llmesh/core/base/abort';
import type { Clock } from '@llmesh/core/base/clock';

export class DutyCycle {
  readonly #restPerWork: number;
  readonly #clock: Clock;
  #underWay = 0;
  #beganMs = 0;
  /** Set from the end of a round's first step on: a further step waits for the next round. */
  #rest: Promise<void> | null = null;
  #endRest = () => {};

  /** 0 < share ≤ 1 */
  constructor(share: number, clock: Clock) {
    this.#restPerWork = 1 / share - 1;
    this.#clock = clock;
  }

  /** Runs the step in this round or the next. Rejects as it does, or with cancelled while it waits. */
  async step<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
    while (this.#rest !== null) await untilAborted(this.#rest, signal);
    if (this.#underWay === 0) this.#beganMs = this.#clock.now();
    this.#underWay += 1;
    try {
      return await run();
    } finally {
      this.#underWay -= 1;
      this.#rest ??= new Promise((resolve) => (this.#endRest = resolve));
      if (this.#underWay === 0) this.#pause((this.#clock.now() - this.#beganMs) * this.#restPerWork);
    }
  }

  #pause(ms: number): void {
    this.#clock.after(ms, () => {
      this.#rest = null;
      this.#endRest();
    });
  }
}
