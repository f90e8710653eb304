/** Sums up the questions of one run. */
import type { ErrorCode } from '@llmesh/core/base/errors';
import { PREFILL_FACTOR, type Work } from './engine.ts';
import { jainIndex } from './fairness.ts';
import type { Question } from './questions.ts';

/** Requesters with fewer questions, on average, say nothing about fairness. */
const LEAST_ASKED = 10;

export interface Figures {
  asked: number;
  answered: number;
  withdrawn: number;
  failed: Partial<Record<ErrorCode, number>>;
  running: number;
  /** The share of questions with a whole answer, among those that were not withdrawn. */
  completion: number;
  /** Answers that survived the loss of a provider, or of several. */
  resumed: number;
  /** Answers that ended in the middle. */
  brokenOff: number;
  /** The time from asking to the first words, ms; null while nothing was answered. */
  firstTokenMs: Quantiles | null;
  /** The silence at a seam, ms. */
  seamMs: Quantiles | null;
  /** The engines' work beyond what reached somebody, as a share of that. Reading a prompt counts as the time it takes. */
  extraWork: number;
  /** Jain's index of whole answers over the requesters that ask alike; null: too few questions to tell. */
  fairness: number | null;
}

export interface Quantiles {
  p50: number;
  p95: number;
  p99: number;
}

/** `alike`: numbers of the requesters that all ask in the same way. */
export function figuresOf(questions: readonly Question[], work: Work, alike: readonly number[]): Figures {
  const count = (outcome: Question['outcome']) => questions.filter((one) => one.outcome === outcome).length;
  const failed: Figures['failed'] = {};
  for (const { outcome, error } of questions) {
    if (outcome === 'failed' && error !== null) failed[error] = (failed[error] ?? 0) + 1;
  }
  const withdrawn = count('withdrawn');
  const answered = count('answered');
  return {
    asked: questions.length,
    answered,
    withdrawn,
    failed,
    running: count('running'),
    completion: share(answered, questions.length - withdrawn),
    resumed: questions.filter(({ outcome, seams }) => outcome === 'answered' && seams > 0).length,
    brokenOff: questions.filter(({ outcome, received }) => outcome === 'failed' && received > 0).length,
    firstTokenMs: quantiles(questions.flatMap(({ firstTokenMs }) => firstTokenMs ?? [])),
    seamMs: quantiles(questions.flatMap(({ seams, pauseMs }) => (seams > 0 ? pauseMs : []))),
    extraWork: extraWork(questions, work),
    fairness: fairnessOf(questions, alike),
  };
}

export function quantiles(values: readonly number[]): Quantiles | null {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);
  return sorted.length === 0 ? null : { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

function extraWork(questions: readonly Question[], work: Work): number {
  let needed = 0;
  for (const { received, promptTokens } of questions)
    if (received > 0) needed += received + promptTokens / PREFILL_FACTOR;
  return needed === 0 ? 0 : round((work.tokens + work.promptTokens / PREFILL_FACTOR) / needed - 1);
}

function fairnessOf(questions: readonly Question[], alike: readonly number[]): number | null {
  const answers = new Map(alike.map((requester) => [requester, { asked: 0, answered: 0 }]));
  for (const { requester, outcome } of questions) {
    const one = answers.get(requester);
    if (one === undefined) continue;
    one.asked += 1;
    if (outcome === 'answered') one.answered += 1;
  }
  const all = [...answers.values()];
  const asked = all.reduce((sum, one) => sum + one.asked, 0);
  if (asked < LEAST_ASKED * all.length || all.length < 2) return null;
  return round(jainIndex(all.map(({ answered }) => answered)));
}

function share(part: number, whole: number): number {
  return whole === 0 ? 1 : round(part / whole);
}

function round(value: number): number {
  return Number(value.toFixed(4));
}
