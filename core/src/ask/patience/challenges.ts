/** How often, in one answer, another provider may be asked beside one that is late or silent. */

/** This often, and once more for every TOKENS_FOR_ONE_MORE tokens of it. */
const MOST = 4;
const TOKENS_FOR_ONE_MORE = 64;
/** This many tokens after another was asked: the first one had not gone, and the other is released. */
const RECOVERED_TOKENS = 8;

export class Challenges {
  #asked = 0;
  /** The number of tokens when another was last asked. */
  #atTokens = 0;

  /** False: it happened often enough. */
  ask(tokens: number): boolean {
    if (this.#asked >= MOST + Math.floor(tokens / TOKENS_FOR_ONE_MORE)) return false;
    this.#asked += 1;
    this.#atTokens = tokens;
    return true;
  }

  /** The other never began: it cost nobody anything. */
  inVain(): void {
    this.#asked = Math.max(0, this.#asked - 1);
  }

  /** All that were asked have failed: the count starts again. */
  reset(): void {
    this.#asked = 0;
  }

  /** Has the challenged provider shown that it is still there? */
  recovered(tokens: number): boolean {
    return tokens - this.#atTokens >= RECOVERED_TOKENS;
  }
}
