/** How much honest answers deviate: the row of the calibration table that was measured. */
import type { Deviations } from './answers.ts';

const FULL = 255;
/** Chance of seeing nothing at all in this many tokens is 5 %, if the mean were this over their number. */
const NOTHING_SEEN = -Math.log(0.05);

/**
 * The mean of the worst honest answer; where none deviates, the largest mean that would be seen with 95 %: a token that
 * deviates, if there ever is one, is taken to do so as much as can be.
 */
export function meanBound(answers: readonly Deviations[]): number {
  const tokens = answers.reduce((sum, one) => sum + one.length, 0);
  return Math.max(NOTHING_SEEN / tokens, ...answers.map(meanOf));
}

export function meanOf(deviations: Deviations): number {
  return deviations.reduce((sum, one) => sum + one, 0) / FULL / deviations.length;
}
