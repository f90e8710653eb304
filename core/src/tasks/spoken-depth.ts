/** How deeply the JSON of an answer is nested; brackets in thoughts do not count. */
import { JsonDepth, MAX_ANSWER_DEPTH } from '../base/json-depth.ts';
import type { AnswerPrefix } from '../engine/engine.ts';
import { THOUGHTS } from '../syntax/dialects.ts';
import { PLAIN, syntaxOf } from '../syntax/syntaxes.ts';
import { ThoughtsReader } from '../syntax/thoughts-reader.ts';

export class SpokenDepth {
  readonly #depth = new JsonDepth();
  readonly #before: string;
  /** Null until the syntax is known. */
  #thoughts: ThoughtsReader | null = null;

  /** `prefix`: what others wrote of it. */
  constructor(prefix: Pick<AnswerPrefix, 'text' | 'syntax'> | null) {
    this.#before = prefix?.text ?? '';
    if (prefix?.syntax !== undefined) this.read('', prefix.syntax ?? undefined);
  }

  /** `syntax`: of the first piece, as the engine told it. */
  read(text: string, syntax: string | undefined): this {
    if (this.#thoughts === null) {
      const { thoughts, begun } = syntaxOf(syntax) ?? PLAIN;
      this.#thoughts = new ThoughtsReader(thoughts === null ? null : THOUGHTS[thoughts], begun);
      this.#depth.read(this.#thoughts.push(this.#before).rest);
    }
    this.#depth.read(this.#thoughts.push(text).rest);
    return this;
  }

  get isTooDeep(): boolean {
    return this.#depth.deepest > MAX_ANSWER_DEPTH;
  }
}
