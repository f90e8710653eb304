/**
 * How many tokens are guessed before the model checks them together. What that costs differs from computer to computer (a
 * processor may take three times as long for two tokens as for one, and hardly longer for sixteen) and what it brings from
 * answer to answer. So both are measured, and nothing is guessed where answers come faster without.
 */

/** 0: the model writes alone. */
const LENGTHS = [0, 2, 4, 8, 16] as const;
/** How often every length is tried at first. */
const FIRST_TRIES = 2;
/** The fastest of the last few steps is what a length costs: anything else that runs here only makes it slower. */
const KEPT_STEPS = 4;
/** How much the last guess counts against those before. */
const NEW_GUESS = 0.05;
/** Now and then another length is tried, in turn; ever less often while that changes nothing. */
const TRY_AFTER_STEPS = 64;
const TRY_AFTER_AT_MOST = 512;

interface Cost {
  length: number;
  /** The times of the last steps of this length. */
  ms: number[];
}

export class GuessPace {
  readonly #costs: Cost[] = LENGTHS.map((length) => ({ length, ms: [] }));
  /** The share of tested guesses that were right. */
  #right = 0.5;
  #best = 0;
  /** The length that is tried next, and when. */
  #trial = 0;
  #wait = TRY_AFTER_STEPS;
  #steps = 0;
  #guessed = 0;
  #taken = 0;

  /** How many to guess in the next step. */
  get length(): number {
    const untried = this.#costs.find(({ ms }) => ms.length < FIRST_TRIES);
    if (untried !== undefined) return untried.length;
    return this.#steps < this.#wait ? this.#best : (LENGTHS[this.#trial] ?? 0);
  }

  /** All guesses so far, and those of them that the model would have written itself. */
  get count(): { guessed: number; taken: number } {
    return { guessed: this.#guessed, taken: this.#taken };
  }

  /** A step with so many guesses, the first `taken` of them right, took `ms`; null: it had more to do than usual. */
  record(guessed: number, taken: number, ms: number | null): void {
    this.#guessed += guessed;
    this.#taken += taken;
    for (let i = 0; i < Math.min(guessed, taken + 1); i += 1) {
      this.#right += NEW_GUESS * ((i < taken ? 1 : 0) - this.#right);
    }
    const cost = this.#costs.find(({ length }) => length === guessed);
    if (cost !== undefined && ms !== null) cost.ms = [ms, ...cost.ms].slice(0, KEPT_STEPS);
    const before = this.#best;
    this.#best = this.#fastest();
    // The guesser may have found nothing to guess.
    const tried = this.#steps >= this.#wait && guessed > 0 === this.#trial > 0;
    this.#steps += 1;
    if (this.#best !== before) this.#wait = TRY_AFTER_STEPS;
    else if (tried) this.#wait = Math.min(2 * this.#wait, TRY_AFTER_AT_MOST);
    if (!tried) return;
    this.#steps = 0;
    this.#trial = (this.#trial + 1) % LENGTHS.length;
  }

  /** The length with the most tokens a millisecond. */
  #fastest(): number {
    let best = 0;
    let most = 0;
    for (const { length, ms } of this.#costs) {
      const speed = ms.length === 0 ? 0 : expectedTokens(this.#right, length) / Math.min(...ms);
      if (speed > most) [best, most] = [length, speed];
    }
    return best;
  }
}

/** The tokens of a step: the guesses up to the first wrong one, and one of the model's own (Leviathan et al. 2023, eq. 1). */
function expectedTokens(right: number, length: number): number {
  let tokens = 0;
  for (let i = 0; i <= length; i += 1) tokens += right ** i;
  return tokens;
}
