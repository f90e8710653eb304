/** How likely tokens are where top-k, then top-p and min-p, then the temperature decide it, as llama.cpp applies them. */
import { EDGE_NOISE, isSurelyCut, type Cuts } from './cut-edge.ts';

export class Likelihoods {
  readonly #shares: readonly number[];
  /** At temperature 1, where the likeliest has 1. */
  readonly #weights: readonly number[];
  readonly #cuts: Cuts;
  /** So many are kept, with this share of the shares. */
  readonly #kept: number;
  readonly #sum: number;

  /** `shares`: of all that top-k leaves, the likeliest first, as the temperature of `cuts` makes them. There is at least one. */
  constructor(shares: readonly number[], cuts: Cuts) {
    this.#shares = shares;
    this.#weights = shares.map((share) => (share / shares[0]!) ** cuts.temperature);
    this.#cuts = cuts;
    this.#kept = keptOf(this.#weights, cuts);
    this.#sum = sumOf(shares.slice(0, this.#kept));
  }

  get entropy(): number {
    const kept = this.#shares.slice(0, this.#kept).map((share) => share / this.#sum);
    return Math.max(0, -sumOf(kept.map((share) => (share > 0 ? share * Math.log(share) : 0))));
  }

  /** That of the one at this rank, as `Scores` says it. */
  logprob(rank: number): number {
    return rank < this.#kept ? Math.log(this.#shares[rank]! / this.#sum) : this.#logprobCut(this.#weights[rank]!);
  }

  /** That of one that top-k has cut off. `share`: on the same scale; left out: nobody knows. */
  logprobOutside(share?: number): number {
    if (share === undefined) return this.#logprobLast;
    return this.#logprobCut((share / this.#shares[0]!) ** this.#cuts.temperature);
  }

  #logprobCut(weight: number): number {
    const likelier = this.#weights.filter((one) => one >= weight * Math.exp(EDGE_NOISE));
    const cutOff = {
      before: sumOf(likelier) / sumOf(this.#weights),
      behindFirst: -Math.log(weight),
      behindLast: Math.max(0, Math.log(this.#weights.at(-1)! / weight)),
    };
    return isSurelyCut(cutOff, this.#cuts) ? -Infinity : this.#logprobLast;
  }

  get #logprobLast(): number {
    return Math.log(this.#shares[this.#kept - 1]! / this.#sum);
  }
}

function keptOf(weights: readonly number[], { topP, minP }: Cuts): number {
  const enough = topP < 1 ? topP * sumOf(weights) : Infinity;
  let sum = 0;
  for (const [rank, weight] of weights.entries()) {
    if (rank > 0 && weight < minP) return rank;
    sum += weight;
    if (sum >= enough) return rank + 1;
  }
  return weights.length;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}
