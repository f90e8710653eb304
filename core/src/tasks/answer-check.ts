/** Checks what a provider sends for an answer, beside its text: that it follows its form, and the odds of its tokens. */
import { MeshError } from '../base/errors.ts';
import { GrammarReader } from '../form/grammar-reader.ts';
import { MAX_TOKEN_CHARACTERS } from '../protocol.ts';
import { AnswerReader } from '../syntax/answer-reader.ts';
import { THOUGHTS } from '../syntax/dialects.ts';
import { syntaxOf } from '../syntax/syntaxes.ts';
import { ThoughtsReader } from '../syntax/thoughts-reader.ts';
import { maxPromptTokens, type AnswerInput, type AnswerPiece, type AnswerResult } from './answer-messages.ts';
import type { FollowedAnswer } from './followed-answer.ts';
import type { TaskCheck, Written } from './task-kind.ts';

/** How the text is read, once its syntax is known. */
interface Reading {
  syntax: string | null;
  thoughts: ThoughtsReader;
  /** Null: what is said is free. */
  form: GrammarReader | null;
  /** Looks for the call that there has to be; null: there need be none, or the form has it. */
  calls: AnswerReader | null;
  hasCall: boolean;
}

export class AnswerCheck implements TaskCheck<AnswerPiece, AnswerResult> {
  readonly #input: AnswerInput;
  readonly #followed: FollowedAnswer;
  /** How many others are reported beside each token; null: none are. */
  readonly #logprobs: number | null;
  #reading: Reading | null = null;
  #isFirst = true;

  /** `followed`: has read what others wrote of it. Throws bad_schema when that breaks the form. */
  constructor(input: AnswerInput, followed: FollowedAnswer) {
    this.#input = input;
    this.#followed = followed;
    this.#logprobs = input.logprobs ?? null;
    const { prefix } = input;
    if (prefix?.syntax !== undefined) this.#reading = this.#begin(prefix.syntax);
  }

  /** Throws bad_message, unsupported for a syntax that cannot continue the prefix, or bad_schema where the question is to blame. */
  piece({ piece: { text, tokenIds, logprobs, promptTokens, syntax }, units }: Written<AnswerPiece>): void {
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
    const told = this.#isFirst ? (syntax ?? null) : null;
    this.#reading ??= this.#begin(told);
    if (this.#isFirst && this.#reading.syntax !== told) {
      throw new MeshError('unsupported', 'This volunteer writes answers in another way, and cannot continue this one.');
    }
    this.#isFirst = false;
    this.#read(this.#reading, text);
  }

  /** No more pieces will come. Throws bad_message. */
  end({ finish }: AnswerResult): void {
    if (finish !== 'stop') return;
    const { form, calls, hasCall, thoughts } = (this.#reading ??= this.#begin(null));
    const { rest } = thoughts.end();
    if (rest !== '') this.#follow(form, rest);
    if (form?.mayEnd === false) {
      throw new MeshError('bad_message', 'The volunteer ended the answer before its JSON was complete.');
    }
    if (calls !== null && !hasCall && !calls.end().some(({ type }) => type === 'call')) {
      throw new MeshError('bad_message', 'The volunteer ended the answer without the call that was asked for.');
    }
  }

  #begin(name: string | null): Reading {
    const syntax = syntaxOf(name ?? undefined);
    if (syntax === null) {
      throw new MeshError('unsupported', 'That volunteer writes answers in a way that is newer than this program.');
    }
    const form = this.#followed.formIn(syntax);
    const marks = syntax.thoughts === null ? null : THOUGHTS[syntax.thoughts];
    const thoughts = new ThoughtsReader(marks, syntax.begun);
    const written = this.#input.prefix?.text ?? '';
    const { rest } = thoughts.push(written);
    const calls = form === null && this.#followed.mustCall ? new AnswerReader(syntax, this.#followed.tools) : null;
    const hasCall = calls?.push(written).some(({ type }) => type === 'call') === true;
    return {
      syntax: name,
      thoughts,
      form: form === null ? null : new GrammarReader(form.behind(rest)),
      calls,
      hasCall,
    };
  }

  #read(reading: Reading, text: string): void {
    const { rest } = reading.thoughts.push(text);
    this.#follow(reading.form, rest);
    if (reading.calls?.push(text).some(({ type }) => type === 'call') === true) reading.hasCall = true;
  }

  #follow(form: GrammarReader | null, text: string): void {
    try {
      form?.read(text);
    } catch (cause) {
      // It matches in too many ways. That does not count against the volunteer: the next one would fare no better.
      if (cause instanceof MeshError && cause.code === 'unsupported') throw new MeshError('bad_schema', cause.message);
      throw new MeshError('bad_message', 'The volunteer sent something that does not follow the JSON schema.', {
        cause,
      });
    }
  }
}
