/**
 * How a provider stands with one model file: the evidence of all its checked answers, and what follows from it. Pure, and
 * kept by whoever counts; everyone who has the reports finds the same.
 *
 * Auditors may lie. So what an answer can count against its provider depends on how many of them would all have to lie for
 * it, and stays a fair bet as long as at most one stranger in four does: see docs/proof.md.
 */
import type { Level } from '../wire/audit-messages.ts';
import { ANSWER_CAP_LOG10, SUSPECTED_LOG10 } from './wager.ts';

/** One in ten thousand: it gets no questions of strangers. Below that and above SUSPECTED_LOG10: fewer, and more checks. */
export const QUARANTINED_LOG10 = 4;
/** One in a million, by two independent auditors. */
export const CONVICTED_LOG10 = 6;
/** However many answers agreed, evidence against it need not climb from lower than this. */
export const FLOOR_LOG10 = -2;
/** At least so many auditors for an answer, where there are as many. */
export const AUDITORS = 2;
/** And so many in all where the first ones say that it deviates, or disagree. */
export const CONFIRMING_AUDITORS = 5;
/** At most this share of strangers lies as auditors. */
const LIARS_LOG10 = Math.log10(1 / 4);
/** A platform auditor, whom the operator names, counts like this many strangers. */
const PLATFORM_VOICES = 3;
/** What is bet on each answer. The rest is kept, so that many that agree do not hide a few that do not. */
const STAKE = 1 / 4;

/** What one auditor who could judge found about one answer; they are independent of each other. */
export interface Judged {
  readonly log10E: number;
  /** The operator named this auditor. Left out: a stranger. */
  readonly platform?: boolean;
}

export interface StandingState {
  /** Of all answers that were checked. */
  readonly log10E: number;
  /** Of those that two auditors or more could judge: nobody is convicted on the word of one. */
  readonly log10Pair: number;
  readonly checked: number;
  readonly agreed: number;
}

export const NEW_STANDING: StandingState = { log10E: 0, log10Pair: 0, checked: 0, agreed: 0 };

/** What follows from one answer that is done being checked. Nobody could judge it: nothing. */
export function record(state: StandingState, judged: readonly Judged[]): StandingState {
  if (judged.length === 0) return state;
  const gain = answerGain(judged);
  const grow = (log10: number) => Math.max(FLOOR_LOG10, log10 + gain);
  return {
    log10E: grow(state.log10E),
    log10Pair: judged.length < AUDITORS ? state.log10Pair : grow(state.log10Pair),
    checked: state.checked + 1,
    agreed: state.agreed + (deviates(judged) ? 0 : 1),
  };
}

export function levelOf({ log10E, log10Pair }: StandingState): Level {
  if (log10Pair >= CONVICTED_LOG10) return 'convicted';
  if (log10E >= QUARANTINED_LOG10) return 'quarantined';
  return log10E >= SUSPECTED_LOG10 ? 'suspected' : 'good';
}

/** How many more auditors an answer needs, as far as it was judged; the caller says how many could not judge it. */
export function moreAuditors(judged: readonly Judged[], abstained: number): number {
  const asked = judged.length + abstained;
  const doubted = judged.some(({ log10E }) => log10E >= SUSPECTED_LOG10);
  // Those who cannot judge are replaced once: a file that nobody can score is not offered to the whole mesh.
  const wanted = (doubted ? CONFIRMING_AUDITORS : AUDITORS) + Math.min(abstained, AUDITORS);
  return Math.max(0, wanted - asked);
}

/**
 * An appeal: the same answer before auditors who were not drawn before. Upheld only when most of them, and at least three,
 * find that it deviates; otherwise the provider starts anew.
 */
export function appeal(state: StandingState, judged: readonly Judged[]): StandingState {
  const against = judged.filter(({ log10E }) => log10E >= SUSPECTED_LOG10).length;
  return against >= 3 && against * 2 > judged.length ? state : NEW_STANDING;
}

/** log10 of the factor of one answer. */
function answerGain(judged: readonly Judged[]): number {
  const voices = judged.reduce((sum, { platform }) => sum + (platform ? PLATFORM_VOICES : 1), 0);
  const least = Math.min(...judged.map(({ log10E }) => log10E));
  const capped = Math.min(least, ANSWER_CAP_LOG10, -voices * LIARS_LOG10);
  // Half: the other half pays for the liars.
  return Math.log10(1 - STAKE + (STAKE * 10 ** capped) / 2);
}

function deviates(judged: readonly Judged[]): boolean {
  return judged.every(({ log10E }) => log10E >= SUSPECTED_LOG10);
}
