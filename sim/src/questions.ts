/** What was asked and what came of it. Every question is held to the same: one end, and no word lost or doubled. */
import type { ErrorCode } from '@llmesh/core/errors';
import { answerText } from './engine.ts';

export type Outcome = 'running' | 'answered' | 'failed';

export class Question {
  readonly id: number;
  readonly tokens: number;
  readonly askedMs: number;
  outcome: Outcome = 'running';
  error: ErrorCode | null = null;
  firstTokenMs: number | null = null;
  received = 0;
  /** Providers that went on with it. */
  seams = 0;
  /** What is wrong with the answer; empty when nothing is. */
  readonly faults: string[] = [];
  #ends = 0;

  constructor(id: number, tokens: number, askedMs: number) {
    this.id = id;
    this.tokens = tokens;
    this.askedMs = askedMs;
  }

  take(text: string, tokens: number, nowMs: number): void {
    this.firstTokenMs ??= nowMs - this.askedMs;
    const expected = answerText(this.id, this.received, this.received + tokens);
    if (text !== expected) this.faults.push(`token ${this.received}: "${text}" instead of "${expected}"`);
    if (this.#ends > 0) this.faults.push(`token ${this.received} came after the end`);
    this.received += tokens;
  }

  end(outcome: Exclude<Outcome, 'running'>, error: ErrorCode | null = null): void {
    this.#ends += 1;
    if (this.#ends > 1) this.faults.push(`ended ${this.#ends} times, at last ${outcome}`);
    if (outcome === 'answered' && this.received !== this.tokens) {
      this.faults.push(`answered with ${this.received} of ${this.tokens} tokens`);
    }
    this.outcome = outcome;
    this.error = error;
  }
}

export interface QuestionSummary {
  asked: number;
  answered: number;
  /** Answers that survived the loss of a provider, or of several. */
  resumed: number;
  failed: Partial<Record<ErrorCode, number>>;
  running: number;
  /** ms; null while nothing was answered */
  firstTokenP50Ms: number | null;
  firstTokenP95Ms: number | null;
}

export function summarise(questions: readonly Question[]): QuestionSummary {
  const failed: QuestionSummary['failed'] = {};
  for (const { error } of questions) if (error !== null) failed[error] = (failed[error] ?? 0) + 1;
  const first = questions.flatMap(({ firstTokenMs }) => firstTokenMs ?? []).sort((a, b) => a - b);
  const at = (share: number) => {
    const ms = first[Math.min(first.length - 1, Math.floor(first.length * share))];
    return ms === undefined ? null : Math.round(ms);
  };
  return {
    asked: questions.length,
    answered: questions.filter(({ outcome }) => outcome === 'answered').length,
    resumed: questions.filter(({ outcome, seams }) => outcome === 'answered' && seams > 0).length,
    failed,
    running: questions.filter(({ outcome }) => outcome === 'running').length,
    firstTokenP50Ms: at(0.5),
    firstTokenP95Ms: at(0.95),
  };
}
