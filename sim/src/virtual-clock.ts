/** Time that passes only once everything due has been done: an hour of a large mesh takes as long as its work. */
import type { Clock } from '@llmesh/core/base/clock';

const BREATHE_EVERY = 1_000;

interface Timer {
  readonly atMs: number;
  /** Among timers of the same instant the first set runs first. */
  readonly order: number;
  run: (() => void) | null;
}

export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #turns = 0;
  /** A binary heap, the earliest on top. Cancelled timers stay until they come up. */
  readonly #heap: Timer[] = [];

  readonly now = (): number => this.#nowMs;

  /** How many timers are set, and neither run nor cancelled. */
  get timers(): number {
    return this.#heap.filter(({ run }) => run !== null).length;
  }

  after(ms: number, run: () => void): () => void {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, run };
    this.#push(timer);
    return () => {
      timer.run = null;
    };
  }

  /** Resolves after `ms` of this clock. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Runs all that falls due within `ms`, in order, and settles the promises that it wakes, before time moves on. */
  async run(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.#settled();
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#nowMs = next.atMs;
      let ran = false;
      for (let due: Timer | undefined = next; due !== undefined && due.atMs === this.#nowMs; due = this.#heap[0]) {
        this.#pop();
        ran ||= due.run !== null;
        due.run?.();
      }
      if (ran) await this.#settled();
    }
    this.#nowMs = untilMs;
  }

  /** Resolves when every promise has settled that needs no time: Node comes to its ticks after all its microtasks. */
  #settled(): Promise<void> {
    this.#turns += 1;
    // Now and then the rest of Node needs its turn, too, to report unhandled rejections and to hear Ctrl-C.
    const next = this.#turns % BREATHE_EVERY === 0 ? setImmediate : process.nextTick;
    return new Promise((resolve) => {
      next(resolve);
    });
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
