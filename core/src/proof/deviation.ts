/**
 * How far each token of an answer is from what an auditor's engine computes, in one byte: only these travel. 0 says that it
 * agrees, 255 that no honest engine would write it.
 */
import { MeshError } from '../base/errors.ts';
import type { ScoreMode, Scores } from './score.ts';

/** No honest engine misses a token by as many logits, or log-odds. Noise of a sixth of it vanishes altogether: see `distance`. */
export const MARGIN_CAP = 1;
/** A single surprise, in nats more than expected, counts no more than this, so that one rare word convicts nobody. */
export const SURPRISE_CAP = 4;
/** What no honest engine writes. */
export const FULL_DEVIATION = 255;

/**
 * Whether a token alone gives a cheat away. Where engines compute the same, none of their tokens is another one by more than
 * what rounds to nothing; by likelihood every token deviates from what was expected, and only those that sampling cuts off
 * are never written.
 */
export function isTelling(mode: ScoreMode, deviation: number): boolean {
  return mode === 'likelihood' ? deviation === FULL_DEVIATION : deviation > 0;
}

/**
 * One byte for each token, and one for each of `padding` units that were charged for and hold none. Rounded down, because doubt is the provider's. Throws engine_failed when the scores are no
 * scores of this answer, or hold what is not a number: then this auditor's engine is broken, and has nothing to say.
 */
export function deviationsOf(scores: Scores, tokenIds: readonly number[], padding = 0): Uint8Array {
  const { mode, drawn, margins, logprobs, entropies } = scores;
  const rows = mode === 'likelihood' ? [logprobs, entropies] : [drawn, margins];
  if (!rows.every((row) => row !== null && row.length === tokenIds.length)) throw broken();
  const deviations = new Uint8Array(tokenIds.length + padding).fill(FULL_DEVIATION, tokenIds.length);
  for (const [i, id] of tokenIds.entries()) {
    if (mode === 'likelihood') deviations[i] = improbability(logprobs[i]!, entropies![i]!);
    else deviations[i] = drawn[i] === id ? 0 : distance(margins[i]!);
  }
  return deviations;
}

/** From 0 to 1; 0 where there are none. */
export function meanDeviation(deviations: Uint8Array): number {
  return deviations.reduce((sum, one) => sum + one, 0) / FULL_DEVIATION / Math.max(1, deviations.length);
}

/**
 * To the third power: engines that are honest and not alike have many small margins, which vanish, and hardly any large
 * ones. What is less than 0.158 rounds to nothing.
 */
function distance(margin: number): number {
  if (!(margin >= 0)) throw broken();
  return Math.floor(FULL_DEVIATION * Math.min(margin / MARGIN_CAP, 1) ** 3);
}

/**
 * An honest answer is on average as surprising as its distribution says: that is the middle of the scale. The end of it is
 * only for what sampling has cut off: a rare word is rare, and not impossible.
 */
function improbability(logprob: number, entropy: number): number {
  if (!(logprob <= 1e-3) || !(entropy >= -1e-3 && entropy < Infinity)) throw broken();
  if (logprob === -Infinity) return FULL_DEVIATION;
  const surprise = Math.min(Math.max(-logprob - entropy, -SURPRISE_CAP), SURPRISE_CAP);
  return Math.min(Math.floor((FULL_DEVIATION * (surprise + SURPRISE_CAP)) / (2 * SURPRISE_CAP)), FULL_DEVIATION - 1);
}

function broken(): MeshError {
  return new MeshError('engine_failed', 'The engine of this device cannot check answers: its figures are no numbers.');
}
