/** Follows an answer token by token: when a grammar holds it, when its thoughts have been long enough, and when it has to end. */
import { LlamaGrammarEvaluationState, type LlamaGrammar, type LlamaModel, type Token } from 'node-llama-cpp';
import type { Thinking } from '@llmesh/core/protocol';
import { CallsReader } from '@llmesh/core/syntax/calls-reader';
import { DIALECTS, THOUGHTS } from '@llmesh/core/syntax/dialects';
import { HarmonyReader } from '@llmesh/core/syntax/harmony-reader';
import type { AnswerPart } from '@llmesh/core/syntax/answer-part';
import type { Syntax } from '@llmesh/core/syntax/syntaxes';
import { ThoughtsReader } from '@llmesh/core/syntax/thoughts-reader';
import type { OwnCalls } from './answer-plan.ts';
import { advancing } from './grammar-state.ts';
import { TokenText } from './token-text.ts';

export interface CourseOptions {
  model: LlamaModel;
  syntax: Syntax;
  own: OwnCalls | null;
  /** The grammar of one call; null: calls are free. */
  call: LlamaGrammar | null;
  thinking: Thinking | undefined;
  /** The tokens that the answer follows. */
  before: readonly Token[];
  /** Special tokens that are a part of the text, by their text. */
  marks: ReadonlyMap<string, Token>;
  /** Tokens of a text within the answer. */
  tokenize: (text: string) => Token[];
}

export class AnswerCourse {
  /** Holds what is said, once the thoughts are over; null: it is free. */
  form: LlamaGrammarEvaluationState | null = null;
  readonly #options: CourseOptions;
  readonly #text: TokenText;
  readonly #thoughts: ThoughtsReader;
  readonly #calls: CallsReader | null;
  readonly #harmony: HarmonyReader | null;
  /** What came behind the thoughts. */
  #rest = '';
  #callCount = 0;
  #thoughtTokens = 0;
  /** What was written since the thoughts were long enough: the beginning of what ends them. */
  #ending = '';
  /** Holds the call that is being written. */
  #held: LlamaGrammarEvaluationState | null = null;
  /** The call under way is free, as it did not begin like any that was offered. */
  #isFree = false;

  constructor(options: CourseOptions) {
    const { model, syntax, before, marks } = options;
    const { own } = options;
    this.#options = options;
    this.#text = new TokenText(model, before, new Set(marks.values()));
    this.#thoughts = new ThoughtsReader(syntax.thoughts === null ? null : THOUGHTS[syntax.thoughts], syntax.begun);
    const { calls } = syntax;
    this.#harmony = calls === 'harmony' ? new HarmonyReader(own?.tools ?? []) : null;
    this.#calls =
      own === null || calls === 'harmony' || calls === 'none' || calls === 'generic'
        ? null
        : new CallsReader(DIALECTS[calls], own.tools);
  }

  /** What was said so far. */
  get rest(): string {
    return this.#rest;
  }

  /** The answer has all the calls that it may have. */
  get isOver(): boolean {
    const { own } = this.#options;
    return own !== null && !own.parallel && this.#callCount > 0 && this.#calls?.isCalling !== true;
  }

  /** What holds the next token. */
  readonly grammar = (): LlamaGrammarEvaluationState | undefined => {
    if (this.#thoughts.isThinking) return undefined;
    if (this.form !== null) return this.form;
    const { own, call, model } = this.#options;
    if (own === null || call === null || this.#isFree) return undefined;
    const isCalling = this.#calls?.isCalling === true;
    if (!isCalling && !(own.isForced && this.#callCount === 0)) return undefined;
    this.#held ??= grammarBehind(model, call, this.#options.tokenize(isCalling ? this.#calls.open : this.#rest));
    this.#isFree = this.#held === null;
    return this.#held ?? undefined;
  };

  took(token: Token): void {
    const isEnding = this.#thoughtTokens >= this.#most && (this.#isThinking || this.#ending !== '');
    if (this.#isThinking) this.#thoughtTokens += 1;
    const piece = this.#text.push(token);
    if (piece === null) return;
    if (isEnding && this.#ending.length < this.#closing.length) this.#ending += piece.text;
    const { rest } = this.#thoughts.push(piece.text);
    if (this.form === null) this.#rest += rest;
    // Harmony ends an answer with its call.
    this.#harmony?.push(rest);
    if (this.#calls !== null) this.#count(this.#calls.push(rest));
  }

  /** What has to come instead of the model's next token; null: nothing. */
  get instead(): Token[] | null {
    if (this.#thoughtTokens < this.#most || (this.#ending === '' && !this.#isThinking)) return null;
    const isWhole = !this.#closing.startsWith(this.#ending) || this.#ending === this.#closing;
    return isWhole ? null : this.#options.tokenize(this.#closing.slice(this.#ending.length));
  }

  /** Whether the model ends its answer with this. */
  endsAt(token: Token): boolean {
    return this.#options.model.isEogToken(token);
  }

  /** What has to come where the model ends its answer; null: nothing. One that has to speak may not end in its thoughts. */
  get onward(): Token[] | null {
    const hasToSpeak = this.form !== null || this.#options.own?.isForced === true;
    return hasToSpeak && this.#isThinking ? this.#options.tokenize(this.#closing) : null;
  }

  /** The most tokens of thoughts. */
  get #most(): number {
    const { thinking } = this.#options;
    return thinking?.on === true ? (thinking.maxTokens ?? Infinity) : Infinity;
  }

  /** What ends the thoughts. */
  get #closing(): string {
    const { thoughts } = this.#options.syntax;
    if (thoughts === null) return '<|end|><|start|>assistant<|channel|>final<|message|>';
    return `\n${THOUGHTS[thoughts].close}\n\n`;
  }

  get #isThinking(): boolean {
    return this.#thoughts.isThinking || this.#harmony?.isInThoughts === true;
  }

  #count(parts: readonly AnswerPart[]): void {
    const calls = parts.filter(({ type }) => type === 'call').length;
    if (calls === 0 && this.#calls?.isCalling === true) return;
    this.#callCount += calls;
    if (calls === 0 && !this.#isFree) return;
    this.#held = null;
    this.#isFree = false;
  }
}

type Step = { token: Token };

/**
 * The tokens of `steps`, which has the one that ends an answer, too; or what has to come instead of them. `answered`: gets each before the next is
 * asked for.
 */
export async function* steered<T extends Step>(
  steps: AsyncGenerator<T, void, Token[] | undefined>,
  course: AnswerCourse,
  answered: Token[],
): AsyncGenerator<Step | T, void, undefined> {
  try {
    let instead: Token[] | undefined;
    for (;;) {
      const step = await steps.next(instead);
      if (step.done === true) return;
      const ends = course.endsAt(step.value.token);
      instead = course.instead ?? (ends ? course.onward : null) ?? undefined;
      if (ends && instead === undefined) return;
      for (const next of instead?.map((token): Step => ({ token })) ?? [step.value]) {
        course.took(next.token);
        answered.push(next.token);
        yield next;
      }
      if (course.isOver) return;
    }
  } finally {
    await steps.return(undefined);
  }
}

/** The state behind `written`; null: the grammar does not allow that. */
function grammarBehind(
  model: LlamaModel,
  grammar: LlamaGrammar,
  written: readonly Token[],
): LlamaGrammarEvaluationState | null {
  const state = new LlamaGrammarEvaluationState({ model, grammar });
  return written.every(advancing(model, state)) ? state : null;
}
