/** What this engine says about an answer, token by token, from the logits that it computes at each of them. */
import type { ScoreMode, Scores } from '@llmesh/core/proof/score';
import { sumOfAll, type Candidates } from './candidates.ts';
import type { Choice } from './choice.ts';
import { Ranking } from './ranking.ts';

/** No id that anybody could name: −1 could be. */
const NO_TOKEN = -0x8000_0000;

/** What is not filled in says that no honest engine could have written this. */
export class ScoreSheet {
  readonly #mode: ScoreMode;
  readonly #choice: Choice;
  readonly #before: number;
  readonly #drawn: Int32Array;
  readonly #margins: Float32Array;
  readonly #logprobs: Float32Array;
  readonly #entropies: Float32Array | null;
  #filled = 0;

  /** `before`: how many tokens of the whole answer stand before these `count`. */
  constructor(mode: ScoreMode, choice: Choice, before: number, count: number) {
    this.#mode = mode;
    this.#choice = choice;
    this.#before = before;
    this.#drawn = new Int32Array(count).fill(NO_TOKEN);
    this.#margins = new Float32Array(count).fill(Infinity);
    this.#logprobs = new Float32Array(count).fill(-Infinity);
    this.#entropies = mode === 'likelihood' ? new Float32Array(count) : null;
  }

  /** The token that comes next in the answer, and the logits that this engine has for all that could. */
  add(logits: Float32Array, token: number): void {
    const index = this.#filled++;
    const ranking = new Ranking(logits, this.#choice.lookedAt);
    if (this.#mode === 'greedy') this.#compare(index, ranking, token);
    else this.#redraw(index, this.#choice.candidates(ranking), token);
  }

  /** `text`: what the tokens spell. */
  scores(promptTokens: number, text: string): Scores {
    const [mode, drawn, margins] = [this.#mode, this.#drawn, this.#margins];
    return { mode, drawn, margins, logprobs: this.#logprobs, entropies: this.#entropies, promptTokens, text };
  }

  #compare(index: number, ranking: Ranking, token: number): void {
    const logit = ranking.logits[token] ?? -Infinity;
    this.#drawn[index] = ranking.at(0);
    this.#margins[index] = ranking.most - logit;
    this.#logprobs[index] = logit - ranking.most - Math.log(sumOfAll(ranking, 1));
  }

  #redraw(index: number, candidates: Candidates, token: number): void {
    const uniform = this.#choice.uniform(this.#before + index);
    const drawn = candidates.drawn(uniform);
    this.#drawn[index] = drawn;
    this.#margins[index] = drawn === token ? 0 : candidates.margin(token, uniform);
    this.#logprobs[index] = candidates.logprob(token);
    this.#entropies?.fill(candidates.entropy, index, index + 1);
  }
}
