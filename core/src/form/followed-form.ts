/** The form of an answer, followed once no matter how many providers write a part of it. */
import { GrammarReader } from './grammar-reader.ts';
import { jsonGrammar } from './json-grammar.ts';
import { readJsonSchema } from './json-schema.ts';

export class FollowedForm {
  readonly #reader: GrammarReader;
  #chars = 0;

  /** Throws bad_schema. */
  constructor(schema: string) {
    this.#reader = new GrammarReader(jsonGrammar(readJsonSchema(schema)));
  }

  /** The reader behind `text`, of which only the end may be new since the last call. Throws bad_schema when that breaks the form. */
  behind(text: string): GrammarReader {
    this.#reader.read(text.slice(this.#chars));
    this.#chars = text.length;
    return this.#reader;
  }
}
