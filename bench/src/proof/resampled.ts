/**
 * Answers that nobody wrote, but whose every block of tokens an honest provider did. What a run of tokens counts is the
 * difference of two sums, so that a million answers take seconds.
 */
import { betsOn, evidenceOf, tokenGrowth } from '@llmesh/core/proof/wager';
import type { Deviations } from './answers.ts';
import { oneOf, type Random } from './random.ts';

/** Positions that follow each other are drawn together, because the noise of neighbours is not independent. */
const BLOCK = 16;

export class Resampled {
  readonly #lengths: readonly number[];
  readonly #tokens: number;
  /** For each bet, what all tokens before each place count together. */
  readonly #before: readonly Float64Array[];

  constructor(pool: readonly Deviations[], mean: number) {
    const joined = Uint8Array.from(pool.flatMap((answer) => [...answer]));
    if (joined.length < BLOCK) throw new Error('there are too few honest tokens to draw from');
    this.#lengths = pool.map((answer) => answer.length);
    this.#tokens = joined.length;
    this.#before = betsOn(mean).map((bet) => {
      const of = Array.from({ length: 256 }, (_, deviation) => tokenGrowth(deviation, bet, mean));
      const sums = new Float64Array(joined.length + 1);
      for (const [i, deviation] of joined.entries()) sums[i + 1] = sums[i]! + of[deviation]!;
      return sums;
    });
  }

  /** log10 of the e-value of one such answer, as long as a real one. */
  evidence(random: Random): number {
    const length = oneOf(this.#lengths, random);
    const growths = this.#before.map(() => 0);
    for (let at = 0; at < length; at += BLOCK) {
      const from = Math.floor(random() * (this.#tokens - BLOCK + 1));
      const end = from + Math.min(BLOCK, length - at);
      for (const [bet, sums] of this.#before.entries()) growths[bet]! += sums[end]! - sums[from]!;
    }
    return evidenceOf(growths);
  }
}
