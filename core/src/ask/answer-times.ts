/** When the words of one answer came, for its receipt. */

/** Fewer tokens after the first words tell nothing of a speed. */
const LEAST_MEASURED_TOKENS = 8;

export class AnswerTimes {
  readonly #askedMs: number;
  #firstMs: number | null = null;
  /** When the first words had come. */
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

  /** Now there are so many tokens of it. */
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

  /** From asking to the first words; to `nowMs` when there were none. */
  firstTokenMs(nowMs: number): number {
    return (this.#firstMs ?? nowMs) - this.#askedMs;
  }

  /** After the first words, up to `nowMs`; null for an answer too short to tell. */
  tokensPerSecond(nowMs: number): number | null {
    const tokens = this.#lastTokens - this.#firstTokens;
    if (this.#firstMs === null || tokens < LEAST_MEASURED_TOKENS || nowMs <= this.#firstMs) return null;
    return (tokens * 1000) / (nowMs - this.#firstMs);
  }
}
