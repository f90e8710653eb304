/**
 * Lets newcomers in between two steps. llama.cpp's binding changes what a sequence holds only when nothing more is waiting
 * to be computed; with several answers under way something always is, and a newcomer would wait for the end of them all.
 */
import type { DutyCycle } from './duty-cycle.ts';

export class Entrance {
  readonly #duty: DutyCycle | null;
  #entering = 0;
  #opened: Promise<void> | null = null;
  #open = () => {};

  /** `duty`: the cycle of a computer that lends only a share of its time. */
  constructor(duty: DutyCycle | null = null) {
    this.#duty = duty;
  }

  /** Runs `change` as soon as the pending steps are done. */
  async enter(change: () => Promise<void>): Promise<void> {
    this.#entering += 1;
    this.#opened ??= new Promise((resolve) => {
      this.#open = resolve;
    });
    try {
      await change();
    } finally {
      this.#entering -= 1;
      if (this.#entering === 0) {
        this.#opened = null;
        this.#open();
      }
    }
  }

  /** Takes a step when nobody is entering, and the duty cycle allows it. Rejects as it does, or with cancelled. */
  step<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const asked = () => this.#opened?.then(run) ?? run();
    return this.#duty === null ? asked() : this.#duty.step(asked, signal);
  }
}
