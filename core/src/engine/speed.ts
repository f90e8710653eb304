/** How fast an answer is written: now, and over its whole length. */
import { runningMean } from '../policy/patience.ts';

const WINDOW_MS = 2_000;
/** Fewer tokens after the first mean nothing. */
const MIN_MEASURED_TOKENS = 8;

export class SpeedMeter {
  tokens = 0;
  #firstMs: number | null = null;
  #firstTokens = 0;
  #lastMs = 0;
  /** Tokens and time of the window before the running one, so that `recent` is never empty in mid-answer. */
  #windowStartMs = 0;
  #windowTokens = 0;
  #previous = 0;

  add(tokens: number, nowMs: number): void {
    this.tokens += tokens;
    this.#lastMs = nowMs;
    if (this.#firstMs === null) {
      this.#firstMs = nowMs;
      this.#firstTokens = tokens;
      this.#windowStartMs = nowMs;
      return;
    }
    this.#windowTokens += tokens;
    if (nowMs - this.#windowStartMs < WINDOW_MS) return;
    this.#previous = (this.#windowTokens * 1000) / (nowMs - this.#windowStartMs);
    this.#windowStartMs = nowMs;
    this.#windowTokens = 0;
  }

  /** Tokens a second over the last seconds; 0 before the second token and when nothing has come for long. */
  recent(nowMs: number): number {
    const elapsedMs = nowMs - this.#windowStartMs;
    if (this.#firstMs === null || elapsedMs > 2 * WINDOW_MS) return 0;
    if (this.#previous > 0 && elapsedMs < WINDOW_MS / 4) return this.#previous;
    return elapsedMs > 0 ? (this.#windowTokens * 1000) / elapsedMs : 0;
  }

  /** Tokens a second after the first piece; null for an answer too short to tell. */
  overall(): number | null {
    if (this.#firstMs === null) return null;
    const tokens = this.tokens - this.#firstTokens;
    const elapsedMs = this.#lastMs - this.#firstMs;
    return tokens >= MIN_MEASURED_TOKENS && elapsedMs > 0 ? (tokens * 1000) / elapsedMs : null;
  }
}

/** An exponential average over the last five answers or so. */
export class TypicalSpeed {
  /** null until something was measured */
  tokensPerSecond: number | null = null;

  add(measured: number | null): void {
    if (measured === null) return;
    this.tokensPerSecond = runningMean(this.tokensPerSecond, measured);
  }
}
