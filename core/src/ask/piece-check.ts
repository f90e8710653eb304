/**
 * Holds a provider to what an answer was asked to be, beside its text: the form of it, the odds of its tokens; or a vector
 * and no answer.
 */
import { MeshError } from '../base/errors.ts';
import { GrammarReader } from '../form/grammar-reader.ts';
import type { TaskChunk } from '../protocol.ts';
import { readVector } from '../wire/vector.ts';
import type { TaskPart } from './answer.ts';

export class PieceCheck {
  /** How many others are told of beside each token; null: nothing is told. */
  readonly #logprobs: number | null;
  /** Numbers of a vector; null: text is written. */
  readonly #vectorSize: number | null;
  /** Null: the answer is free. */
  readonly #form: GrammarReader | null;

  /** `form`: has read what others wrote of it; null: it is free. `embeds`: numbers of a vector, as the advert has them. */
  constructor({ task, logprobs }: Pick<TaskPart, 'task' | 'logprobs'>, form: GrammarReader | null, embeds = 0) {
    this.#logprobs = logprobs ?? null;
    this.#vectorSize = task === 'embedding' ? embeds : null;
    this.#form = form === null ? null : new GrammarReader(form);
  }

  /** The next piece. Throws bad_message, and bad_schema where the question is to blame. */
  piece(chunk: TaskChunk): void {
    const { text, tokens, tokenIds, logprobs } = chunk;
    if (this.#vectorSize !== null && !isVector(chunk, this.#vectorSize)) {
      throw new MeshError('bad_message', 'The volunteer sent something other than the vector of a text.');
    }
    if (this.#vectorSize === null && chunk.vector !== undefined) {
      throw new MeshError('bad_message', 'The volunteer sent a vector, but was asked for words.');
    }
    if (tokenIds !== undefined && tokenIds.length !== tokens) {
      throw new MeshError('bad_message', 'The volunteer sent other tokens than it claims.');
    }
    if (this.#logprobs === null ? logprobs !== undefined : logprobs?.length !== tokens) {
      throw new MeshError('bad_message', 'The volunteer did not say how likely its words were.');
    }
    const most = this.#logprobs ?? 0;
    if (logprobs?.some(({ top }) => top.length > most) === true) {
      throw new MeshError('bad_message', 'The volunteer listed more words than it was asked for.');
    }
    try {
      this.#form?.read(text);
    } catch (cause) {
      // It can be followed in too many ways, which says nothing against the volunteer: whoever is asked next fares no better.
      if (cause instanceof MeshError && cause.code === 'unsupported') throw new MeshError('bad_schema', cause.message);
      throw new MeshError('bad_message', 'The volunteer sent something that does not follow the JSON schema.', {
        cause,
      });
    }
  }

  /** No piece comes any more. Throws bad_message. */
  end(finish: 'stop' | 'length'): void {
    if (finish === 'stop' && this.#form?.mayEnd === false) {
      throw new MeshError('bad_message', 'The volunteer ended the answer before its JSON was complete.');
    }
  }
}

function isVector({ tokens, text, vector }: TaskChunk, size: number): boolean {
  return tokens === 1 && text === '' && vector !== undefined && readVector(vector, size) !== null;
}
