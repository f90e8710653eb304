/**
 * Holds a provider to what an answer was asked to be, beside its text: the form of it, the odds of its tokens; or a vector
 * and no answer.
 */
import { MeshError } from './errors.ts';
import { GrammarReader } from './grammar-reader.ts';
import type { TaskChunk } from './protocol.ts';
import type { TaskPart } from './attempt.ts';
import { readVector } from './vector.ts';

export class PieceCheck {
  readonly #logprobs: boolean;
  /** Numbers of a vector; null: text is written. */
  readonly #vectorSize: number | null;
  /** Null: the answer is free. */
  readonly #form: GrammarReader | null;

  /** `form`: has read what others wrote of it; null: it is free. `embeds`: numbers of a vector, as the advert has them. */
  constructor({ task, logprobs }: Pick<TaskPart, 'task' | 'logprobs'>, form: GrammarReader | null, embeds = 0) {
    this.#logprobs = logprobs !== undefined;
    this.#vectorSize = task === 'embedding' ? embeds : null;
    this.#form = form === null ? null : new GrammarReader(form);
  }

  /** The next piece. Throws bad_message, and bad_schema where the question is to blame. */
  piece(chunk: TaskChunk): void {
    const { text, tokens, logprobs } = chunk;
    if (this.#vectorSize !== null && !isVector(chunk, this.#vectorSize)) {
      throw new MeshError('bad_message', 'The volunteer sent something else than the vector of a text.');
    }
    if (this.#logprobs && logprobs?.length !== tokens) {
      throw new MeshError('bad_message', 'The volunteer did not tell how likely its words were.');
    }
    try {
      this.#form?.read(text);
    } catch (cause) {
      // It can be followed in too many ways, which says nothing against the volunteer: whoever is asked next fares no better.
      if (cause instanceof MeshError && cause.code === 'unsupported') throw new MeshError('bad_schema', cause.message);
      throw new MeshError('bad_message', 'The volunteer sent what does not follow the JSON schema.', { cause });
    }
  }

  /** No piece comes any more. Throws bad_message. */
  end(finish: 'stop' | 'length'): void {
    if (finish === 'stop' && this.#form?.mayEnd === false) {
      throw new MeshError('bad_message', 'The volunteer ended the answer in the middle of its form.');
    }
  }
}

function isVector({ tokens, text, vector }: TaskChunk, size: number): boolean {
  return tokens === 1 && text === '' && vector !== undefined && readVector(vector, size) !== null;
}
