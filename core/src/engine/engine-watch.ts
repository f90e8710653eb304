/** Whether an engine at work on one answer has hung without a word. Plain arithmetic: the one who asks has the clock. */

import { FIRST_PIECE_MS, MS_PER_BYTE, runningMean } from '../policy/patience.ts';

/** Between pieces: so many times the usual pause, and never less than this. */
const PAUSES = 20;
const LEAST_MS = 10_000;
/**
 * Before a pause is known: so many times what the first piece took, since reading takes one step of the model at least; and
 * never less than this, since a first step alone may still compile what reading did not need.
 */
const FIRSTS = 3;
const SECOND_LEAST_MS = 30_000;
/** The patience after it was told to stop, which a slow engine hears only between two pieces. */
const STOP_MS = 10_000;
const STOP_PAUSES = 3;
/** The most that counts between two looks: a computer that slept, or a tab that was frozen, was not waiting. */
const MAX_STEP_MS = 2_000;

export class EngineWatch {
  /** To be read before the piece that was asked for. */
  #bytes = 0;
  /** A piece was asked for and has not come. */
  #waiting = false;
  #stopping = false;
  #waitedMs = 0;
  #lookedMs = 0;
  #askedMs = 0;
  /** The pauses between pieces, as an exponential average; null before the second piece. */
  #usualMs: number | null = null;
  #firstMs = 0;
  #pieces = 0;

  /** For the next piece; `bytes` have to be read for it, which takes as long as it is. */
  asked(nowMs: number, bytes: number): void {
    this.#waiting = true;
    this.#bytes = bytes;
    this.#askedMs = nowMs;
    this.#restart(nowMs);
  }

  came(nowMs: number): void {
    this.#waiting = false;
    this.#pieces += 1;
    const pauseMs = nowMs - this.#askedMs;
    if (this.#pieces > 1) this.#usualMs = runningMean(this.#usualMs, pauseMs);
    else this.#firstMs = Math.min(pauseMs, FIRST_PIECE_MS);
  }

  /** Notes that it was told to stop. */
  stopping(nowMs: number): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#restart(nowMs);
  }

  /** Ask every second or so: longer gaps count only a little. */
  hung(nowMs: number): boolean {
    this.#waitedMs += Math.min(nowMs - this.#lookedMs, MAX_STEP_MS);
    this.#lookedMs = nowMs;
    if (this.#stopping) return this.#waitedMs > Math.max(STOP_MS, STOP_PAUSES * (this.#usualMs ?? 0));
    return this.#waiting && this.#waitedMs > this.#boundMs;
  }

  get #boundMs(): number {
    if (this.#pieces === 0 || this.#bytes > 0) return FIRST_PIECE_MS + MS_PER_BYTE * this.#bytes;
    if (this.#usualMs === null) return Math.max(SECOND_LEAST_MS, FIRSTS * this.#firstMs);
    return Math.max(LEAST_MS, PAUSES * this.#usualMs);
  }

  #restart(nowMs: number): void {
    this.#waitedMs = 0;
    this.#lookedMs = nowMs;
  }
}
