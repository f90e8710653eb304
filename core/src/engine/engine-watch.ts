/** Whether an engine at work on one answer has hung without a word. Plain arithmetic: the one who asks has the clock. */

/**
 * The patience before the first piece, while the prompt is read: slow devices read five tokens a second, and a token may be
 * four bytes. And the engine may first finish an answer for its own person.
 */
const FIRST_MS = 300_000;
const FIRST_MS_PER_BYTE = 50;
/** The patience between pieces: several times the usual pause, and never less than this. */
const PAUSES = 20;
const LEAST_MS = 10_000;
/** The patience after it was told to stop. */
const STOP_MS = 10_000;
/** The most that counts between two looks: a computer that slept, or a tab that was frozen, was not waiting. */
const MAX_STEP_MS = 2_000;

export class EngineWatch {
  readonly #firstMs: number;
  readonly #eachRead: boolean;
  /** Whether a piece was asked for and has not come. */
  #waiting = false;
  #stopping = false;
  #waitedMs = 0;
  #lookedMs = 0;
  #askedMs = 0;
  /** The pauses between pieces, as an exponential average; null before the second piece. */
  #usualMs: number | null = null;
  #pieces = 0;

  /** `eachRead`: before each piece there is a text to read, whose length decides how long that takes. */
  constructor(promptBytes: number, eachRead = false) {
    this.#eachRead = eachRead;
    this.#firstMs = FIRST_MS + FIRST_MS_PER_BYTE * promptBytes;
  }

  asked(nowMs: number): void {
    this.#waiting = true;
    this.#askedMs = nowMs;
    this.#restart(nowMs);
  }

  came(nowMs: number): void {
    this.#waiting = false;
    this.#pieces += 1;
    const pauseMs = nowMs - this.#askedMs;
    if (this.#pieces > 1) this.#usualMs = this.#usualMs === null ? pauseMs : this.#usualMs * 0.8 + pauseMs * 0.2;
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
    if (this.#stopping) return this.#waitedMs > STOP_MS;
    if (!this.#waiting) return false;
    const boundMs =
      this.#pieces === 0 || this.#eachRead ? this.#firstMs : Math.max(LEAST_MS, PAUSES * (this.#usualMs ?? 0));
    return this.#waitedMs > boundMs;
  }

  #restart(nowMs: number): void {
    this.#waitedMs = 0;
    this.#lookedMs = nowMs;
  }
}
