/** What this engine says about an answer, token by token, from the logits that it computes at each of them. */
import type { ScoreMode, Scores } from '@llmesh/core/proof/score';
import { sumOfAll, type Candidates } from './candidates.ts';
import type { Choice } from './choice.ts';
import { Ranking } from './ranking.ts';

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
    this.#drawn = new Int32Array(count);
    this.#margins = new Float32Array(count);
    this.#logprobs = new Float32Array(count);
    this.#entropies = mode === 'likelihood' ? new Float32Array(count) : null;
  }

  /** The token that comes next in the answer, and the logits that this engine has for all that could. */
  add(logits: Float32Array, token: number): void {
    const index = this.#filled++;
    const ranking = new Ranking(logits, this.#choice.lookedAt);
    const logit = logits[token] ?? -Infinity;
    const whole = ranking.most + Math.log(sumOfAll(ranking, 1));
    this.#logprobs[index] = logit - whole;
    this.#drawn[index] = ranking.at(0);
    this.#margins[index] = ranking.most - logit;
    if (this.#mode === 'greedy') return;
    const candidates = this.#choice.candidates(ranking);
    if (this.#mode === 'seed') this.#redraw(index, candidates, token);
    // How surprising a token is on average, in the same figures: then an honest answer is neither more nor less so.
    else
      this.#entropies?.fill(
        candidates.mean((one) => whole - one),
        index,
        index + 1,
      );
  }

  scores(promptTokens: number): Scores {
    const [mode, drawn, margins] = [this.#mode, this.#drawn, this.#margins];
    return { mode, drawn, margins, logprobs: this.#logprobs, entropies: this.#entropies, promptTokens };
  }

  #redraw(index: number, candidates: Candidates, token: number): void {
    const uniform = this.#choice.uniform(this.#before + index);
    const drawn = candidates.drawn(uniform);
    this.#drawn[index] = drawn;
    this.#margins[index] = drawn === token ? 0 : candidates.margin(token, uniform);
  }
}
