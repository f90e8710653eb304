/** Tells a waiting client that its call is alive, and what is being done: many give up after a minute of silence. */
import type { Clock } from '@llmesh/core/base/clock';

/** How often the same words are said again. */
const AGAIN_MS = 10_000;
/** How often other words are said at most: each costs the client some work. */
const APART_MS = 500;

export class Progress {
  readonly #clock: Clock;
  readonly #say: (step: number, words: string) => void;
  #words = '';
  #step = 0;
  #saidMs = -Infinity;
  #stopTimer = () => {};

  /** `say`: `step` grows from call to call, as the protocol wants it. */
  constructor(clock: Clock, say: (step: number, words: string) => void) {
    this.#clock = clock;
    this.#say = say;
  }

  readonly doing = (words: string): void => {
    this.#words = words;
    const waitMs = this.#saidMs + APART_MS - this.#clock.now();
    if (waitMs <= 0) this.#now();
  };

  /** Says nothing any more. Idempotent. */
  close(): void {
    this.#stopTimer();
  }

  #now(): void {
    this.#stopTimer();
    this.#saidMs = this.#clock.now();
    this.#step += 1;
    this.#say(this.#step, this.#words);
    this.#stopTimer = this.#clock.after(AGAIN_MS, () => this.#now());
  }
}
