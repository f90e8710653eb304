/**
 * What one answer is worth as evidence, as bets against its provider. A gambler bets that the tokens deviate by more than
 * honest noise, or that more of them alone give a cheat away; if the provider is honest she cannot expect to win. So a stake
 * of E has a chance of at most 1 in E to come about by accident (Markov; over many answers, Ville). She spreads it over several
 * bets, because she does not know how a cheat deviates.
 */

import type { Calibration } from './calibration.ts';
import { FULL_DEVIATION, isTelling } from './deviation.ts';

/** One answer counts no more than this, in powers of ten: whatever happened to it, it convicts nobody alone. */
export const ANSWER_CAP_LOG10 = 3;
/** One in 20 by accident: such an answer deviates. */
export const SUSPECTED_LOG10 = Math.log10(20);
/**
 * The bets on each token, as parts of 1 ÷ the honest mean, or ÷ the honest share of telling tokens: 1 is the most that can be
 * bet without ruin. The small ones find little deviation throughout, the large ones a few tokens that no honest engine writes.
 */
const MEAN_PARTS = [1 / 16, 1 / 2] as const;
const TELLING_PARTS = [1 / 16, 1 / 2] as const;
/** No bet is higher, however small the honest noise: a single token multiplies by at most this. */
const MOST_BET = 1_000;
/** Of the stake, on how many telling tokens there are in the whole answer; the rest is spread evenly over the bets on each token. */
const WHOLE_SHARE = 1 / 3;

/** What honest engines of a pair differ by at most: see `Calibration`. */
export type HonestNoise = Pick<Calibration, 'mode' | 'mean' | 'telling'>;

/** log10 of the e-value of an answer, at most ANSWER_CAP_LOG10: see docs/proof.md. */
export function answerEvidence(deviations: Uint8Array, honest: HonestNoise): number {
  const wager = new Wager(honest);
  const growths = wager.bets.map(() => 0);
  let telling = 0;
  // A long answer has few different bytes, and logarithms are dear.
  for (const [deviation, times] of countsOf(deviations)) {
    for (const [i, bet] of wager.bets.entries()) growths[i]! += times * bet(deviation);
    if (isTelling(honest.mode, deviation)) telling += times;
  }
  return wager.evidence(growths, telling, deviations.byteLength);
}

/** The bets against one pair of engines. */
export class Wager {
  /** What one token counts with each bet: the factor, as a natural logarithm. */
  readonly bets: readonly ((deviation: number) => number)[];
  readonly #telling: number;

  constructor({ mode, mean, telling }: HonestNoise) {
    this.#telling = telling;
    const on = (parts: readonly number[], bound: number, of: (deviation: number) => number) =>
      parts.map((part) => {
        const bet = Math.min(part / bound, MOST_BET);
        return (deviation: number) => Math.log1p(bet * (of(deviation) - bound));
      });
    this.bets = [
      ...on(MEAN_PARTS, mean, (deviation) => deviation / FULL_DEVIATION),
      ...on(TELLING_PARTS, telling, (deviation) => (isTelling(mode, deviation) ? 1 : 0)),
    ];
  }

  /**
   * log10 of the e-value of an answer. `growths`: the sum of what its tokens count, for each bet. `telling`: how many of its
   * `tokens`, of which there is at least one, are telling.
   */
  evidence(growths: readonly number[], telling: number, tokens: number): number {
    // Nothing is multiplied, so that one token among hundreds is not worth less for all the others that agree.
    const whole = telling / (tokens * this.#telling);
    const best = Math.max(0, ...growths);
    const each = growths.reduce((sum, growth) => sum + Math.exp(growth - best), 0) / growths.length;
    const log10 = (best + Math.log(WHOLE_SHARE * whole * Math.exp(-best) + (1 - WHOLE_SHARE) * each)) / Math.LN10;
    return Math.min(log10, ANSWER_CAP_LOG10);
  }
}

/** How often each byte occurs. */
function countsOf(deviations: Uint8Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const deviation of deviations) counts.set(deviation, (counts.get(deviation) ?? 0) + 1);
  return counts;
}
