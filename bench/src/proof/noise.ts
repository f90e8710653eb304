/** How much honest answers deviate: what the calibration table says of them. */
import { LEAST_MEAN } from '@llmesh/core/proof/calibration';
import { isTelling, meanDeviation } from '@llmesh/core/proof/deviation';
import type { HonestNoise } from '@llmesh/core/proof/wager';
import type { ScoreMode } from '@llmesh/core/proof/score';
import type { Deviations } from './answers.ts';

/** What the worst of these answers deviate by, and no less than a row of the table may say. */
export function noiseOf(answers: readonly Deviations[], mode: ScoreMode): HonestNoise {
  const worst = (shares: number[]) => Math.max(LEAST_MEAN, ...shares);
  return {
    mode,
    mean: worst(answers.map(meanDeviation)),
    telling: worst(answers.map((one) => tellingShare(one, mode))),
  };
}

function tellingShare(answer: Deviations, mode: ScoreMode): number {
  return answer.filter((deviation) => isTelling(mode, deviation)).length / Math.max(1, answer.length);
}
