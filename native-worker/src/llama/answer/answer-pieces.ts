/** An answer as it is handed out: pieces of whole characters, with the odds of their tokens where those were asked for. */
import type { LlamaModel, SequenceEvaluateOutput, Token } from 'node-llama-cpp';
import type { Piece } from '@llmesh/core/engine/engine';
import { MAX_TOKEN_CHARACTERS, type TokenLogprob } from '@llmesh/core/protocol';
import { logprobOf } from '../context/token-odds.ts';
import type { Closing } from './answer-closing.ts';
import { TokenText } from './token-text.ts';

/** A step as llama.cpp's binding gives it, with what `token-odds.ts` tells where that was asked for. */
export type Step = Pick<SequenceEvaluateOutput, 'token'> & Partial<Pick<SequenceEvaluateOutput, 'probabilities'>>;

export class AnswerPieces {
  readonly #model: LlamaModel;
  readonly #text: TokenText;
  readonly #top: number | null;
  /** The odds of the tokens that are in no piece yet. */
  #logprobs: TokenLogprob[] = [];
  #before: Token | undefined;
  /** Goes out with the first piece; null after that. */
  #promptTokens: number | null;

  /** Goes out with the first piece; undefined after that, or where all is said. */
  #syntax: string | undefined;

  /**
   * `before`: the tokens that the answer follows, of which `promptTokens` are the turns'. `top`: so many alternatives of each
   * token; null: nothing is told. `marks`: special tokens that are a part of the text.
   */
  constructor(
    model: LlamaModel,
    before: readonly Token[],
    promptTokens: number,
    top: number | null,
    { syntax, marks }: { syntax?: string | undefined; marks?: ReadonlySet<Token> } = {},
  ) {
    this.#model = model;
    this.#text = new TokenText(model, before, marks);
    this.#syntax = syntax;
    this.#top = top;
    this.#before = before.at(-1);
    this.#promptTokens = promptTokens;
  }

  /** The piece that this step completes; null: half a character, or a token without a text. */
  push({ token, probabilities }: Step): Piece | null {
    if (this.#top !== null) {
      // A token that was put in the place of the model's choice had no rival.
      if (probabilities === undefined) {
        this.#logprobs.push({
          text: this.#model.detokenize([token], true).slice(0, MAX_TOKEN_CHARACTERS),
          logprob: 0,
          top: [],
        });
      } else this.#logprobs.push(logprobOf(this.#model, token, probabilities, this.#before, this.#top));
      this.#before = token;
    }
    return this.#told(this.#text.push(token));
  }

  /** These tokens in place of those that are in no piece yet. */
  instead({ tokens, text }: Closing): Piece {
    const piece: Piece = { text, tokenIds: tokens, tokens: tokens.length };
    return this.#told(piece) ?? piece;
  }

  /** The rest when the answer ends. */
  end(): Piece | null {
    return this.#told(this.#text.end());
  }

  #told(piece: Piece | null): Piece | null {
    if (piece === null) return null;
    if (this.#promptTokens !== null) {
      piece.promptTokens = this.#promptTokens;
      this.#promptTokens = null;
    }
    if (this.#syntax !== undefined) {
      piece.syntax = this.#syntax;
      this.#syntax = undefined;
    }
    if (this.#top !== null) {
      piece.logprobs = this.#logprobs;
      this.#logprobs = [];
    }
    return piece;
  }
}

/** The same steps; each token is in `answered` before the next is asked for. */
export async function* noting<T extends Step>(steps: AsyncGenerator<T>, answered: Token[]): AsyncGenerator<T, void> {
  for await (const step of steps) {
    answered.push(step.token);
    yield step;
  }
}
