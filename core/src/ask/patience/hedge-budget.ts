/** How much may be asked twice: a small share of all questions, so that hedging never becomes a load of its own. */

/** The share of all answers that may be hedged; an unused share is saved, up to a few. */
const SHARE = 0.05;
const MOST_SAVED = 3;

export class HedgeBudget {
  /** Starts with one: someone's first question may be the unlucky one. */
  #saved = 1;

  /** Counts one more answer. */
  earn(): void {
    this.#saved = Math.min(MOST_SAVED, this.#saved + SHARE);
  }

  /** False: not now. */
  take(): boolean {
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }
}
