/** Holds a provider to what an answer was asked to be, beside its text: the form of it, and the odds of its tokens. */
import { MeshError } from './errors.ts';
import { GrammarReader } from './grammar-reader.ts';
import { jsonGrammar } from './json-grammar.ts';
import { readJsonSchema } from './json-schema.ts';
import type { TaskChunk } from './protocol.ts';
import type { AskRequest } from './requester.ts';

export class PieceCheck {
  readonly #logprobs: boolean;
  /** Null: the answer is free. */
  #form: GrammarReader | null = null;

  /** `begun`: what others wrote of it. Throws bad_schema when that breaks the form already. */
  constructor({ schema, logprobs }: Pick<AskRequest, 'schema' | 'logprobs'>, begun: string) {
    this.#logprobs = logprobs !== undefined;
    if (schema === undefined) return;
    this.#form = new GrammarReader(jsonGrammar(readJsonSchema(schema)));
    this.#form.read(begun);
  }

  /** The next piece. Throws bad_message. */
  piece({ text, tokens, logprobs }: TaskChunk): void {
    if (this.#logprobs && logprobs?.length !== tokens) {
      throw new MeshError('bad_message', 'The volunteer did not tell how likely its words were.');
    }
    try {
      this.#form?.read(text);
    } catch (cause) {
      if (!(cause instanceof MeshError) || cause.code !== 'unsupported') {
        throw new MeshError('bad_message', 'The volunteer sent what does not follow the JSON schema.', { cause });
      }
      // It cannot be followed any further, which says nothing against the volunteer.
      this.#form = null;
    }
  }

  /** No piece comes any more. Throws bad_message. */
  end(finish: 'stop' | 'length'): void {
    if (finish === 'stop' && this.#form?.mayEnd === false) {
      throw new MeshError('bad_message', 'The volunteer ended the answer in the middle of its form.');
    }
  }
}
