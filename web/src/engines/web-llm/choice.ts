/** How tokens are chosen from rows of logits: the likeliest, or each drawn with a seed of its own, as llama.cpp does. */
import { SeedRow } from '@llmesh/core/proof/seeds';
import { uniformOf } from '@llmesh/core/proof/uniform';
import type { FullSampling } from '../common/sampling.ts';
import { Candidates } from './candidates.ts';
import { Ranking } from './ranking.ts';

/** Where every token can be drawn, it is mostly one of the likeliest. */
const LIKELIEST = 64;

export class Choice {
  readonly #sampling: FullSampling;
  readonly #seeds: SeedRow;

  /** `draws`: where the seeds come from; the likeliest token needs none. */
  constructor(sampling: FullSampling, draws: Uint8Array) {
    this.#sampling = sampling;
    this.#seeds = new SeedRow(draws);
  }

  get isGreedy(): boolean {
    return this.#sampling.temperature === 0;
  }

  /** So many of a ranking's tokens are asked for at least. */
  get lookedAt(): number {
    if (this.isGreedy) return 1;
    return this.#sampling.topK === 0 ? LIKELIEST : this.#sampling.topK;
  }

  /** `position`: in the whole answer, whoever wrote it. */
  token(logits: Float32Array, position: number): number {
    const ranking = new Ranking(logits, this.lookedAt);
    return this.isGreedy ? ranking.at(0) : this.candidates(ranking).drawn(this.uniform(position));
  }

  /** Only where it is not greedy. */
  candidates(ranking: Ranking): Candidates {
    return new Candidates(ranking, this.#sampling);
  }

  uniform(position: number): number {
    return uniformOf(this.#seeds.at(position));
  }
}
