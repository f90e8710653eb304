/**
 * Closes an answer of a form before its tokens run out: JSON that is cut does not parse. The words that close it are not the
 * model's; they are the shortest that the form allows.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import type { LlamaModel, Token } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/base/errors';
import { GrammarReader } from '@llmesh/core/form/grammar-reader';
import { jsonGrammar } from '@llmesh/core/form/json-grammar';
import type { JsonSchema } from '@llmesh/core/form/json-schema';
import type { Thinking } from '@llmesh/core/protocol';
import { THOUGHTS, type ThoughtMarks } from '@llmesh/core/syntax/dialects';
import type { Syntax } from '@llmesh/core/syntax/syntaxes';
import { ThoughtsReader } from '@llmesh/core/syntax/thoughts-reader';
import { tokenizeWithin } from './delivered-tokens.ts';
import { TokenText } from './token-text.ts';

/** What is written, and how. */
export interface Closable {
  model: LlamaModel;
  schema: JsonSchema;
  syntax: Syntax;
}

export interface Closing {
  tokens: Token[];
  text: string;
}

/** How much of what others delivered is read in one go, during which nothing else of this program runs. */
const CHARS_AT_ONCE = 4_096;
const TRAIL = 3;

export class AnswerClosing {
  readonly #model: LlamaModel;
  /** Parts what is thought, which has no form; null: the model does not think. */
  readonly #thoughts: ThoughtsReader | null;
  /** How many tokens it takes to end the thoughts. */
  readonly #turning: number;
  #reader: GrammarReader;
  /** The last tokens so far: some vocabularies spell the next one by them. */
  #trail: readonly Token[];

  private constructor(
    model: LlamaModel,
    reader: GrammarReader,
    thoughts: { reader: ThoughtsReader; marks: ThoughtMarks } | null,
    trail: readonly Token[],
  ) {
    this.#model = model;
    this.#reader = reader;
    this.#thoughts = thoughts?.reader ?? null;
    // The last thought may end in the middle of a word.
    this.#turning = thoughts === null ? 0 : tokenizeWithin(model, `\n${thoughts.marks.close}\n\n`).length + 1;
    this.#trail = trail;
  }

  /** `delivered`: what there is of the answer; `before`: all tokens up to there. Throws bad_schema; `check` throws when nobody waits. */
  static async after(
    { model, schema, syntax }: Closable,
    delivered: string,
    before: readonly Token[],
    check: () => void,
  ): Promise<AnswerClosing> {
    const marks = syntax.thoughts === null ? null : THOUGHTS[syntax.thoughts];
    const thoughts = new ThoughtsReader(marks, syntax.begun);
    const reader = new GrammarReader(jsonGrammar(schema));
    for (let at = 0; at < delivered.length; at += CHARS_AT_ONCE) {
      reader.read(thoughts.push(delivered.slice(at, at + CHARS_AT_ONCE)).rest);
      await breathe();
      check();
    }
    return new AnswerClosing(model, reader, marks === null ? null : { reader: thoughts, marks }, before.slice(-TRAIL));
  }

  /** How long the model may think, so that there is room for the answer itself. */
  inTime(thinking: Thinking | undefined, maxTokens: number): Thinking | undefined {
    if (this.#thoughts === null || this.#thoughts.isOver || thinking?.on === false) return thinking;
    const most = Math.max(1, maxTokens - this.#least - this.#turning);
    return { ...thinking, on: true, maxTokens: Math.min(most, thinking?.maxTokens ?? most) };
  }

  /** Throws too_few_tokens where not even the shortest answer fits in `left` tokens. */
  checkRoom(left: number): void {
    const least = this.#least + (this.#thoughts?.isThinking === true ? this.#turning : 0);
    if (least <= left) return;
    throw new MeshError(
      'too_few_tokens',
      `The shortest answer of this form takes ${least} tokens, and this one may have ${left}. Ask for more tokens, or for less in the form.`,
    );
  }

  /**
   * Null: the answer may go on with these tokens, after which `left` more may follow. Otherwise what closes it in place of
   * them, in up to `room` tokens. `text`: what they spell; null: half a character.
   */
  instead(
    text: string | null,
    tokens: readonly Token[],
    { left, room }: { left: number; room: number },
  ): Closing | null {
    const wasThinking = this.#thoughts?.isOver === false;
    const said = text === null || this.#thoughts === null ? text : this.#thoughts.push(text).rest;
    if (wasThinking) {
      this.#reader.read(said ?? '');
      return null;
    }
    // What stands between thoughts and words belongs to neither.
    if (said === '') return null;
    const reader = said === null ? null : this.#behind(said);
    if (reader === null ? left === 0 || said !== null : !this.#fits(reader, tokens, left)) {
      const closing = this.#shortest(this.#reader, this.#trail);
      // Where another one wrote the beginning, there may be too little room even for that.
      if (closing !== null && closing.tokens.length <= room) return closing;
    }
    if (reader !== null) {
      this.#reader = reader;
      this.#trail = [...this.#trail, ...tokens].slice(-TRAIL);
    }
    return null;
  }

  /** How many tokens the shortest answer takes from here. */
  get #least(): number {
    return this.#shortest(this.#reader, this.#trail)?.tokens.length ?? 0;
  }

  /** Null: the form does not allow this. llama.cpp takes a character for right that is spelt in more bytes than UTF-8 allows. */
  #behind(text: string): GrammarReader | null {
    const reader = new GrammarReader(this.#reader);
    try {
      reader.read(text);
      return reader;
    } catch (thrown) {
      if (thrown instanceof MeshError && thrown.code === 'bad_schema') return null;
      throw thrown;
    }
  }

  #fits(reader: GrammarReader, tokens: readonly Token[], left: number): boolean {
    const text = reader.closing;
    // A token has at least one byte, and no character more than four.
    if (text === null || 4 * text.length <= left) return true;
    const closing = this.#shortest(reader, [...this.#trail, ...tokens]);
    return closing === null || closing.tokens.length <= left;
  }

  /** Null: there is none, or this vocabulary cannot spell it here. */
  #shortest(reader: GrammarReader, before: readonly Token[]): Closing | null {
    const text = reader.closing;
    if (text === null) return null;
    const tokens = tokenizeWithin(this.#model, text);
    const spelling = new TokenText(this.#model, before);
    const spelt = tokens.map((token) => spelling.push(token)?.text ?? '').join('') + (spelling.end()?.text ?? '');
    return spelt === text ? { tokens, text } : null;
  }
}
