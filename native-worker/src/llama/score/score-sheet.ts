/** What is found at each token of an answer, written down as `Scores` has it. */
import type { ControlledEvaluateIndexOutput, Token } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/base/errors';
import type { Cuts } from '@llmesh/core/proof/cuts/cut-edge';
import { Likelihoods } from '@llmesh/core/proof/cuts/likelihoods';
import type { ScoreMode, Scores } from '@llmesh/core/proof/score';
import { drawMargin } from '@llmesh/core/proof/draw-margin';
import { uniformOf } from '@llmesh/core/proof/uniform';

type Found = ControlledEvaluateIndexOutput['next'];

/** No id that can be said: −1 could be. */
const NO_TOKEN = -0x8000_0000;

/** How tokens are drawn. */
export interface Drawing {
  readonly cuts: Cuts;
  readonly isPlain: boolean;
}

export class ScoreSheet {
  /** How many tokens are not the ones that are chosen here. */
  misses = 0;
  readonly #mode: ScoreMode;
  readonly #drawn: Int32Array;
  readonly #margins: Float32Array;
  readonly #logprobs: Float32Array;
  readonly #entropies: Float32Array;

  /** So far, no token could have been chosen at all: this is no token. */
  constructor(mode: ScoreMode, count: number) {
    this.#mode = mode;
    this.#drawn = new Int32Array(count).fill(NO_TOKEN);
    this.#margins = new Float32Array(count).fill(Infinity);
    this.#logprobs = new Float32Array(count).fill(-Infinity);
    this.#entropies = new Float32Array(count);
  }

  /** `found`: with the logits of the likeliest token and of `token`, and the weight of all. */
  greedy(at: number, token: Token, found: Found): void {
    const chosen = chosenOf(found);
    const best = found.logits?.get(chosen);
    const logit = found.logits?.get(token);
    if (best === undefined || logit === undefined || found.totalLogitWeight === undefined) throw nothingFound();
    this.#chose(at, token, chosen);
    this.#margins[at] = chosen === token ? 0 : Math.max(0, best - logit);
    this.#logprobs[at] = Math.min(0, logit - best - Math.log(found.totalLogitWeight));
  }

  /**
   * `found`: with what was drawn from, the likeliest first, where it was asked for. Where it was not, nothing is held against
   * a token that was not drawn: doubt is the provider's. With the logits of both where sampling has cut the token off.
   * `isPlain`: nothing but `cuts` decides how likely they are.
   */
  drawn(at: number, token: Token, found: Found, seed: number, { cuts, isPlain }: Drawing): void {
    const chosen = chosenOf(found);
    this.#chose(at, token, chosen);
    const { probabilities } = found;
    const share = isPlain ? shareOf(found, token, chosen, cuts.temperature) : undefined;
    this.#margins[at] =
      chosen === token || probabilities === undefined
        ? 0
        : marginOf(probabilities, token, uniformOf(seed), cuts, share);
    this.#logprobs[at] = probabilities === undefined ? NaN : Math.log(probabilities.get(token) ?? 0);
  }

  /** `found`: with all that top-k leaves, the likeliest first; other cuts are made here, because it counts how near they are. */
  likely(at: number, token: Token, found: Found, { cuts, isPlain }: Drawing): void {
    const { probabilities } = found;
    if (probabilities === undefined) throw nothingFound();
    const chosen = chosenOf(found);
    this.#chose(at, token, chosen);
    this.#margins[at] = 0;
    const all = new Likelihoods([...probabilities.values()], cuts);
    const rank = [...probabilities.keys()].indexOf(token);
    const share = isPlain ? shareOf(found, token, chosen, cuts.temperature) : undefined;
    this.#logprobs[at] = rank < 0 ? all.logprobOutside(share) : all.logprob(rank);
    this.#entropies[at] = all.entropy;
  }

  /** An honest engine hands out no such token, whatever it has drawn. */
  impossible(at: number): void {
    this.#drawn[at] = NO_TOKEN;
    this.#margins[at] = Infinity;
    this.#logprobs[at] = -Infinity;
    this.#entropies[at] = 0;
    this.misses += 1;
  }

  scores(promptTokens: number, text: string): Scores {
    return {
      mode: this.#mode,
      drawn: this.#drawn,
      margins: this.#margins,
      logprobs: this.#logprobs,
      entropies: this.#mode === 'likelihood' ? this.#entropies : null,
      promptTokens,
      text,
    };
  }

  #chose(at: number, token: Token, chosen: Token): void {
    this.#drawn[at] = chosen;
    if (chosen !== token) this.misses += 1;
  }
}

function chosenOf({ token }: Found): Token {
  if (token === undefined || token === null) throw nothingFound();
  return token;
}

function nothingFound(): MeshError {
  return new MeshError('engine_failed', 'llama.cpp chose no token. Try again.');
}

/**
 * See `drawMargin`. `candidates`: the likeliest first. `share`: how likely the token would be where it is cut off, on their
 * scale; left out: nobody knows.
 */
export function marginOf(
  candidates: ReadonlyMap<Token, number>,
  token: Token,
  draw: number,
  cuts: Cuts,
  share?: number,
): number {
  const shares = [...candidates.values()];
  if (candidates.has(token)) return drawMargin(shares, [...candidates.keys()].indexOf(token), draw, cuts);
  if (share === undefined) return drawMargin(shares, -1, draw);
  // With it, all of them would be a little less likely.
  const all = [...shares, Math.min(share, shares.at(-1) ?? share)];
  const sum = 1 + all.at(-1)!;
  return drawMargin(
    all.map((one) => one / sum),
    shares.length,
    draw,
  );
}

/** How likely a token that was cut off would be, from how much less likely it is than the chosen one. */
function shareOf(found: Found, token: Token, chosen: Token, temperature: number): number | undefined {
  const [own, other, share] = [found.logits?.get(token), found.logits?.get(chosen), found.probabilities?.get(chosen)];
  if (own === undefined || other === undefined || share === undefined) return undefined;
  return share * Math.exp((own - other) / temperature);
}
