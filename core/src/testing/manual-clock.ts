/** A clock that stands still until it is turned. For tests and the simulator. */
import type { Clock } from '../base/clock.ts';

interface Timer {
  atMs: number;
  order: number;
  run: () => void;
}

export class ManualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #timers = new Set<Timer>();

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Turns the clock forward, running what falls due in order, each at its own time. */
  turn(ms: number): void {
    const untilMs = this.#nowMs + ms;
    while (this.#runNext(untilMs));
    this.#nowMs = untilMs;
  }

  /** Like `turn`, but lets microtasks settle before and after each timer. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    do await settle();
    while (this.#runNext(untilMs));
    this.#nowMs = untilMs;
    await settle();
  }

  /** False: nothing more falls due until then. */
  #runNext(untilMs: number): boolean {
    let next: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs) continue;
      if (next === null || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order))
        next = timer;
    }
    if (next === null) return false;
    this.#timers.delete(next);
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.run();
    return true;
  }
}

/** Long enough for the chains of promises that one event sets off. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}
