/** Checks what a provider sends for an answer, beside its text: that it follows the schema, the odds of its tokens. */
import { MeshError } from '../base/errors.ts';
import { GrammarReader } from '../form/grammar-reader.ts';
import { MAX_TOKEN_CHARACTERS } from '../protocol.ts';
import { maxPromptTokens, type AnswerInput, type AnswerPiece, type AnswerResult } from './answer-messages.ts';
import type { TaskCheck, Written } from './task-kind.ts';

export class AnswerCheck implements TaskCheck<AnswerPiece, AnswerResult> {
  readonly #input: AnswerInput;
  /** How many others are reported beside each token; null: none are. */
  readonly #logprobs: number | null;
  /** Null: the answer is free. */
  readonly #form: GrammarReader | null;

  /** `form`: has read what others wrote of it; null: it is free. */
  constructor(input: AnswerInput, form: GrammarReader | null) {
    this.#input = input;
    this.#logprobs = input.logprobs ?? null;
    this.#form = form === null ? null : new GrammarReader(form);
  }

  /** Throws bad_message, or bad_schema where the question is to blame. */
  piece({ piece: { text, tokenIds, logprobs, promptTokens }, units }: Written<AnswerPiece>): void {
    const tooMany = promptTokens !== undefined && promptTokens > maxPromptTokens(this.#input);
    if (tooMany || text.length > units * MAX_TOKEN_CHARACTERS) {
      throw new MeshError('bad_message', 'The volunteer sent more than was asked for.');
    }
    if (tokenIds !== undefined && tokenIds.length !== units) {
      throw new MeshError('bad_message', 'The volunteer sent other tokens than it claims.');
    }
    if (this.#logprobs === null ? logprobs !== undefined : logprobs?.length !== units) {
      throw new MeshError('bad_message', 'The volunteer did not say how likely its words were.');
    }
    const most = this.#logprobs ?? 0;
    if (logprobs?.some(({ top }) => top.length > most) === true) {
      throw new MeshError('bad_message', 'The volunteer listed more words than it was asked for.');
    }
    try {
      this.#form?.read(text);
    } catch (cause) {
      // It matches in too many ways. That does not count against the volunteer: the next one would fare no better.
      if (cause instanceof MeshError && cause.code === 'unsupported') throw new MeshError('bad_schema', cause.message);
      throw new MeshError('bad_message', 'The volunteer sent something that does not follow the JSON schema.', {
        cause,
      });
    }
  }

  /** No more pieces will come. Throws bad_message. */
  end({ finish }: AnswerResult): void {
    if (finish === 'stop' && this.#form?.mayEnd === false) {
      throw new MeshError('bad_message', 'The volunteer ended the answer before its JSON was complete.');
    }
  }
}
