/** How long a model thinks before it speaks, by the clock of this page. */
import type { DeliveredAnswer } from '@llmesh/core/ask/delivered-answer';
import type { AnswerReader } from '@llmesh/core/syntax/answer-reader';
import { readerOf } from './spoken.ts';

export class ThoughtClock {
  /** Undefined: it has not thought. */
  ms: number | undefined;
  /** Null before the first piece, which says how to read it. */
  #reader: AnswerReader | null = null;
  #read = 0;
  #lastMs: number | null = null;

  /** `ms`: how long it thought before it broke off. */
  constructor(ms: number | undefined) {
    this.ms = ms;
  }

  /** `answer`: all that there is of it by now. */
  read({ text, syntax }: Pick<DeliveredAnswer, 'text' | 'syntax'>, nowMs: number): void {
    this.#reader ??= readerOf(syntax);
    this.#reader.push(text.slice(this.#read));
    this.#read = text.length;
    if (this.#reader.isThinking) this.ms = (this.ms ?? 0) + (nowMs - (this.#lastMs ?? nowMs));
    this.#lastMs = nowMs;
  }
}
