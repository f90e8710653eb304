/** How much honest answers deviate: what the calibration table says of them. */
import { LEAST_MEAN } from '@llmesh/core/proof/calibration';
import type { Deviations } from './answers.ts';

const FULL = 255;

/** The mean of the worst honest answer, and no less than a row of the table may say. */
export function meanBound(answers: readonly Deviations[]): number {
  return Math.max(LEAST_MEAN, ...answers.map(meanOf));
}

export function meanOf(deviations: Deviations): number {
  return deviations.reduce((sum, one) => sum + one, 0) / FULL / deviations.length;
}
