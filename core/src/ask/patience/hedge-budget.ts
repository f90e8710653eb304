/** How much may be asked twice: a small share of what is asked, so that hedging never becomes a load of its own. */

/** The share of all answers that may be hedged; what is not used is saved, up to a few. */
const SHARE = 0.05;
const MOST_SAVED = 3;

export class HedgeBudget {
  /** One to begin with: somebody's first question may be the unlucky one. */
  #saved = 1;

  /** One answer more. */
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
