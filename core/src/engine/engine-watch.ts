/** Whether an engine at work on one answer has stopped without a word. Plain arithmetic: whoever asks has the clock. */

import { FIRST_PIECE_MS, MS_PER_BYTE, runningMean } from '../policy/patience.ts';

/** Between pieces: so many times the usual pause, and never less than this. */
const PAUSES = 20;
const LEAST_MS = 10_000;
/** After it was told to stop. */
const STOP_MS = 10_000;
/** Between two looks no more than this counts: a computer that slept, or a tab that was frozen, waited for nothing. */
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
  }

  /** It was told to. */
  stopping(nowMs: number): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#restart(nowMs);
  }

  /** Has to be asked again and again, every second or so: what lies between counts little. */
  hung(nowMs: number): boolean {
    this.#waitedMs += Math.min(nowMs - this.#lookedMs, MAX_STEP_MS);
    this.#lookedMs = nowMs;
    if (this.#stopping) return this.#waitedMs > STOP_MS;
    if (!this.#waiting) return false;
    const reads = this.#pieces === 0 || this.#bytes > 0;
    const boundMs = reads
      ? FIRST_PIECE_MS + MS_PER_BYTE * this.#bytes
      : Math.max(LEAST_MS, PAUSES * (this.#usualMs ?? 0));
    return this.#waitedMs > boundMs;
  }

  #restart(nowMs: number): void {
    this.#waitedMs = 0;
    this.#lookedMs = nowMs;
  }
}
