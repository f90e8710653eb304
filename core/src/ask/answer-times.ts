/** When the words of one answer came, for its summary. */

/** Fewer tokens than these after the first words say nothing about speed. */
const LEAST_MEASURED_TOKENS = 8;

export class AnswerTimes {
  readonly #askedMs: number;
  #firstMs: number | null = null;
  /** The tokens of the first words. */
  #firstTokens = 0;
  #lastMs = 0;
  #lastTokens = 0;

  constructor(nowMs: number) {
    this.#askedMs = nowMs;
  }

  /** Has anything come since it was asked? */
  get begun(): boolean {
    return this.#firstMs !== null;
  }

  /** The answer now has this many tokens. */
  heard(tokens: number, nowMs: number): void {
    if (this.#firstMs === null) {
      this.#firstMs = nowMs;
      this.#firstTokens = tokens;
    }
    this.#lastMs = nowMs;
    this.#lastTokens = tokens;
  }

  pauseMs(nowMs: number): number {
    return nowMs - this.#lastMs;
  }

  /** The time from the question to the first words; to `nowMs` when there were none. */
  firstTokenMs(nowMs: number): number {
    return (this.#firstMs ?? nowMs) - this.#askedMs;
  }

  /** The speed after the first words, up to `nowMs`; null for an answer too short to tell. */
  tokensPerSecond(nowMs: number): number | null {
    const tokens = this.#lastTokens - this.#firstTokens;
    if (this.#firstMs === null || tokens < LEAST_MEASURED_TOKENS || nowMs <= this.#firstMs) return null;
    return (tokens * 1000) / (nowMs - this.#firstMs);
  }
}
