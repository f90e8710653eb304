/** How much honest answers deviate: what the calibration table says of them. */
import { LEAST_MEAN } from '@llmesh/core/proof/calibration';
import { meanDeviation } from '@llmesh/core/proof/deviation';
import type { Deviations } from './answers.ts';

/** The mean of the worst honest answer, and no less than a row of the table may say. */
export function meanBound(answers: readonly Deviations[]): number {
  return Math.max(LEAST_MEAN, ...answers.map(meanDeviation));
}
