/**
 * Answers that nobody wrote, but whose every block of tokens an honest provider did. What a run of tokens counts is the
 * difference of two sums, so that a million answers take seconds.
 */
import { isTelling } from '@llmesh/core/proof/deviation';
import { Wager, type HonestNoise } from '@llmesh/core/proof/wager';
import type { Deviations } from './answers.ts';
import { oneOf, type Random } from './random.ts';

/** Positions that follow each other are drawn together, because the noise of neighbours is not independent. */
const BLOCK = 16;

export class Resampled {
  readonly #lengths: readonly number[];
  readonly #tokens: number;
  readonly #wager: Wager;
  /** For each bet, what all tokens before each place count together; and at last how many of them are telling. */
  readonly #before: readonly Float64Array[];

  constructor(pool: readonly Deviations[], honest: HonestNoise) {
    const joined = Uint8Array.from(pool.flatMap((answer) => [...answer]));
    if (joined.length < BLOCK) throw new Error('there are too few honest tokens to draw from');
    this.#lengths = pool.map((answer) => answer.length);
    this.#tokens = joined.length;
    this.#wager = new Wager(honest);
    const isCounted = (deviation: number) => (isTelling(honest.mode, deviation) ? 1 : 0);
    this.#before = [...this.#wager.bets, isCounted].map((count) => {
      const of = Array.from({ length: 256 }, (_, deviation) => count(deviation));
      const sums = new Float64Array(joined.length + 1);
      for (const [i, deviation] of joined.entries()) sums[i + 1] = sums[i]! + of[deviation]!;
      return sums;
    });
  }

  /** log10 of the e-value of one such answer, as long as a real one. */
  evidence(random: Random): number {
    const length = oneOf(this.#lengths, random);
    const found = this.#before.map(() => 0);
    for (let at = 0; at < length; at += BLOCK) {
      const from = Math.floor(random() * (this.#tokens - BLOCK + 1));
      const end = from + Math.min(BLOCK, length - at);
      for (const [i, sums] of this.#before.entries()) found[i]! += sums[end]! - sums[from]!;
    }
    return this.#wager.evidence(found.slice(0, -1), found.at(-1)!, length);
  }
}
