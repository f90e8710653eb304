/**
 * What the next token is drawn from, as llama.cpp's samplers leave it: the likeliest first, after top-k, top-p, min-p and
 * temperature, in this order (`llama-sampler.cpp`). Whoever draws with the same number gets the same token.
 */
import { EDGE_NOISE, isSurelyCut, type Cuts } from '@llmesh/core/proof/cuts/cut-edge';
import { MARGIN_CAP } from '@llmesh/core/proof/deviation';
import { drawMargin } from '@llmesh/core/proof/draw-margin';
import type { Ranking } from './ranking.ts';

export class Candidates {
  readonly #ranking: Ranking;
  readonly #cuts: Cuts;
  readonly #count: number;
  /** What all weigh together. */
  readonly #sum: number;

  constructor(ranking: Ranking, cuts: Cuts) {
    this.#ranking = ranking;
    this.#cuts = cuts;
    this.#count = countOf(ranking, cuts);
    this.#sum = this.#count === ranking.length ? sumOfAll(ranking, cuts.temperature) : this.#sumOf((weight) => weight);
  }

  /** The token for a number from 0 (inclusive) to 1. */
  drawn(uniform: number): number {
    const wanted = this.#sum * uniform;
    let sum = 0;
    for (let rank = 0; rank < this.#count; rank++) {
      sum += this.#weight(rank);
      if (sum >= wanted) return this.#ranking.at(rank);
    }
    return this.#ranking.at(this.#count - 1);
  }

  /** How far a token is from being drawn by this number, as `drawMargin` says: exactly, as far as that counts. */
  margin(token: number, uniform: number): number {
    const { topP, minP } = this.#cuts;
    const isCut = topP < 1 || minP > 0;
    const shares: number[] = [];
    let found = -1;
    for (let rank = 0; rank < this.#count; rank++) {
      const share = this.#weight(rank) / this.#sum;
      // Those behind could change places with it only by noise that no honest engine has.
      if (!isCut && found >= 0 && Math.log(shares[found]! / share) > MARGIN_CAP) break;
      if (this.#ranking.at(rank) === token) found = rank;
      shares.push(share);
    }
    return drawMargin(shares, found, uniform, isCut ? this.#cuts : undefined);
  }

  /** The natural logarithm of its share, as `Scores` says it. */
  logprob(token: number): number {
    const logit = this.#ranking.logits[token] ?? NaN;
    for (let rank = 0; rank < this.#count && logitAt(this.#ranking, rank) >= logit; rank++) {
      if (this.#ranking.at(rank) === token) return this.#scaled(logit) - Math.log(this.#sum);
    }
    if (Number.isNaN(logit) || this.#isSurelyCut(logit)) return -Infinity;
    return this.#scaled(logitAt(this.#ranking, this.#count - 1)) - Math.log(this.#sum);
  }

  get entropy(): number {
    const surprise = this.#sumOf((weight, logit) => (weight === 0 ? 0 : -weight * this.#scaled(logit)));
    return Math.log(this.#sum) + surprise / this.#sum;
  }

  /** A token with this logit, which was cut away. */
  #isSurelyCut(logit: number): boolean {
    const ranking = this.#ranking;
    const left = this.#cuts.topK === 0 ? ranking.length : Math.min(this.#cuts.topK, ranking.length);
    const behindLast = left === ranking.length ? 0 : Math.max(0, logitAt(ranking, left - 1) - logit);
    let before = 0;
    for (let rank = 0; rank < left && logitAt(ranking, rank) >= logit + EDGE_NOISE; rank++) {
      before += Math.exp(logitAt(ranking, rank) - ranking.most);
    }
    const cutOff = { before: before / sumOfFirst(ranking, left), behindFirst: ranking.most - logit, behindLast };
    return isSurelyCut(cutOff, this.#cuts);
  }

  #sumOf(term: (weight: number, logit: number) => number): number {
    let sum = 0;
    for (let rank = 0; rank < this.#count; rank++) sum += term(this.#weight(rank), logitAt(this.#ranking, rank));
    return sum;
  }

  #weight(rank: number): number {
    return Math.exp(this.#scaled(logitAt(this.#ranking, rank)));
  }

  #scaled(logit: number): number {
    return (logit - this.#ranking.most) / this.#cuts.temperature;
  }
}

function countOf(ranking: Ranking, { topK, topP, minP }: Cuts): number {
  const most = topK === 0 ? ranking.length : Math.min(topK, ranking.length);
  if (topP >= 1 && minP <= 0) return most;
  const least = minP > 0 ? ranking.most + Math.log(minP) : -Infinity;
  const enough = topP < 1 ? topP * sumOfFirst(ranking, most) : Infinity;
  let sum = 0;
  for (let rank = 0; rank < most; rank++) {
    const logit = logitAt(ranking, rank);
    if (rank > 0 && logit < least) return rank;
    sum += Math.exp(logit - ranking.most);
    if (sum >= enough) return rank + 1;
  }
  return most;
}

function sumOfFirst(ranking: Ranking, count: number): number {
  if (count === ranking.length) return sumOfAll(ranking, 1);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) sum += Math.exp(logitAt(ranking, rank) - ranking.most);
  return sum;
}

/** In no order, so that nothing is sorted for it. */
export function sumOfAll({ logits, most }: Ranking, temperature: number): number {
  let sum = 0;
  for (const logit of logits) if (!Number.isNaN(logit)) sum += Math.exp((logit - most) / temperature);
  return sum;
}

function logitAt(ranking: Ranking, rank: number): number {
  return ranking.logits[ranking.at(rank)] ?? -Infinity;
}
