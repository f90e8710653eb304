/**
 * What one answer is worth as evidence, as a bet against its provider. A gambler who bets that the tokens deviate by more
 * than honest noise multiplies her stake by 1 + λ(s − μ) at each token; if the provider is honest she cannot expect to win.
 * So a stake of E has a chance of at most 1 in E to come about by accident (Ville). She spreads it over several λ, because
 * she does not know how much a cheat deviates.
 */

import { FULL_DEVIATION } from './deviation.ts';

/** One answer counts no more than this, in powers of ten: whatever happened to it, it convicts nobody alone. */
export const ANSWER_CAP_LOG10 = 3;
/** One in 20 by accident: such an answer deviates. */
export const SUSPECTED_LOG10 = Math.log10(20);
/**
 * The bets, as parts of 1/μ, which is the most that can be bet without ruin. The small ones find little deviation
 * throughout, the large ones single tokens that no honest engine writes.
 */
const PARTS = [1 / 256, 1 / 64, 1 / 16, 1 / 4, 1 / 2] as const;
/** No bet is higher, however small the honest noise: a single token multiplies by at most this. */
const MOST_BET = 1_000;

/**
 * log10 of the e-value of an answer, at most ANSWER_CAP_LOG10. `mean`: the honest mean deviation, above 0 and below 1.
 * It is at most 0 whenever the answer's own mean is no larger, however its tokens hang together: see docs/proof.md.
 */
export function answerEvidence(deviations: Uint8Array, mean: number): number {
  const counts = countsOf(deviations);
  return evidenceOf(betsOn(mean).map((bet) => growth(counts, bet, mean)));
}

/** The λ that a stake is spread over. */
export function betsOn(mean: number): number[] {
  return PARTS.map((part) => Math.min(part / mean, MOST_BET));
}

/** The factor of one token, as a natural logarithm. */
export function tokenGrowth(deviation: number, bet: number, mean: number): number {
  return Math.log1p(bet * (deviation / FULL_DEVIATION - mean));
}

/** log10 of the e-value of an answer, from the sums of what its tokens count: one for each bet. */
export function evidenceOf(growths: readonly number[]): number {
  const best = Math.max(...growths);
  const sum = growths.reduce((total, growth) => total + Math.exp(growth - best), 0);
  return Math.min((best + Math.log(sum / growths.length)) / Math.LN10, ANSWER_CAP_LOG10);
}

/** How often each byte occurs: a long answer has few different ones, and logarithms are dear. */
function countsOf(deviations: Uint8Array): [deviation: number, times: number][] {
  const counts = new Map<number, number>();
  for (const deviation of deviations) counts.set(deviation, (counts.get(deviation) ?? 0) + 1);
  return [...counts];
}

/** ln Π (1 + λ(s − μ)). */
function growth(counts: readonly [number, number][], bet: number, mean: number): number {
  return counts.reduce((sum, [deviation, times]) => sum + times * tokenGrowth(deviation, bet, mean), 0);
}
