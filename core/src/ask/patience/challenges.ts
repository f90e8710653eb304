/** How often somebody else may be asked beside a provider that is late or silent, in one answer. */

/** So often, and once more for so many tokens of it. */
const MOST = 4;
const TOKENS_FOR_ONE_MORE = 64;
/** So many tokens brought after somebody was asked beside it: it was not gone, and the other is let go. */
const RECOVERED_TOKENS = 8;

export class Challenges {
  #asked = 0;
  /** Tokens that there were when somebody was last asked. */
  #atTokens = 0;

  /** False: often enough. */
  ask(tokens: number): boolean {
    if (this.#asked >= MOST + Math.floor(tokens / TOKENS_FOR_ONE_MORE)) return false;
    this.#asked += 1;
    this.#atTokens = tokens;
    return true;
  }

  /** Whoever was asked never began: it cost nobody anything. */
  inVain(): void {
    this.#asked = Math.max(0, this.#asked - 1);
  }

  /** All who were asked have failed: the next one begins anew. */
  reset(): void {
    this.#asked = 0;
  }

  /** Has the one that was challenged shown that it is there? */
  recovered(tokens: number): boolean {
    return tokens - this.#atTokens >= RECOVERED_TOKENS;
  }
}
