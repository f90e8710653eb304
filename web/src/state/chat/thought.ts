/** An answer whose model thinks before it speaks: what it thought, and what it said. */
import { AnswerReader } from '@llmesh/core/syntax/answer-reader';
import { PLAIN, syntaxOf } from '@llmesh/core/syntax/syntaxes';
import { knownSyntax } from './unsaid-syntax.ts';

/** An answer in two parts. The text that the model wrote has marks between them, which are not shown. */
export interface Thought {
  /** How the text is read: see `AnswerPieceSchema`, or `unsaidSyntax`. */
  syntax: string;
  thoughts: string;
  said: string;
  /** Milliseconds from the first thought to the last. */
  ms: number;
  /** It has not said a word yet. */
  isThinking: boolean;
}

export class ThoughtReader {
  readonly #reader: AnswerReader;
  readonly #syntax: string;
  #thoughts = '';
  #said = '';
  #earlierMs: number;
  #sinceMs: number | null = null;
  #untilMs = 0;

  /** `earlierMs`: how long it thought before, where it is continued. */
  constructor(syntax: string, earlierMs = 0) {
    this.#syntax = syntax;
    this.#reader = new AnswerReader(syntaxOf(knownSyntax(syntax)) ?? PLAIN);
    this.#earlierMs = earlierMs;
  }

  /** What was written before, when nobody looked at the clock. */
  catchUp(text: string): void {
    this.#take(text);
  }

  /** The next words. `nowMs`: when they came. */
  read(text: string, nowMs: number): void {
    const wasThinking = this.#reader.isThinking;
    this.#take(text);
    if (!wasThinking && !this.#reader.isThinking) return;
    this.#sinceMs ??= nowMs;
    this.#untilMs = nowMs;
  }

  get thought(): Thought {
    return {
      syntax: this.#syntax,
      thoughts: this.#thoughts,
      said: this.#said,
      ms: this.#earlierMs + (this.#sinceMs === null ? 0 : this.#untilMs - this.#sinceMs),
      isThinking: this.#said === '' && this.#reader.isThinking,
    };
  }

  /** Nothing more comes: what may have been the beginning of a mark was none. */
  end(): void {
    for (const part of this.#reader.end()) this.#add(part);
  }

  #take(text: string): void {
    for (const part of this.#reader.push(text)) this.#add(part);
  }

  /** No functions are offered here, so none is called. */
  #add(part: ReturnType<AnswerReader['push']>[number]): void {
    if (part.type === 'thought') this.#thoughts += part.text;
    else if (part.type === 'said') this.#said += part.text;
  }
}
