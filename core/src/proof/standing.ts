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
/** So many auditors read an answer where the first one is to be confirmed, whatever it found: nobody is convicted on fewer. */
const CONFIRMED_AUDITORS = 2;
/** And so many in all where they say that it deviates. */
export const CONFIRMING_AUDITORS = 5;
/** So many who cannot judge are replaced: a file that nobody can score is not offered to the whole mesh. */
const REPLACED = 2;
/** At most this share of strangers lies as auditors. */
const LIARS_LOG10 = Math.log10(1 / 4);
/** A platform auditor, whom the operator names, counts like this many strangers. */
const PLATFORM_VOICES = 3;
/**
 * What is bet on each answer: by one gambler a quarter of what she has, so that many that agree do not hide a few that do not;
 * by another three quarters, to whom three in a row are enough.
 */
const STAKES = [1 / 4, 3 / 4] as const;

/** What one auditor who could judge found about one answer; they are independent of each other. */
export interface Judged {
  readonly log10E: number;
  /** The operator named this auditor. Left out: a stranger. */
  readonly platform?: boolean;
}

export interface StandingState {
  /** What each gambler has, in powers of ten, after all answers that were checked. */
  readonly won: readonly number[];
  /** The same, where what only one auditor could judge counts for the provider, never against it. */
  readonly wonByPairs: readonly number[];
  readonly checked: number;
  readonly agreed: number;
  /** The answers that were checked when its last quarantine ended. Left out: none has. */
  readonly freedAt?: number;
}

const NOTHING_WON = STAKES.map(() => 0);
export const NEW_STANDING: StandingState = { won: NOTHING_WON, wonByPairs: NOTHING_WON, checked: 0, agreed: 0 };

/** What follows from one answer that is done being checked. Nobody could judge it: nothing. */
export function record(state: StandingState, judged: readonly Judged[]): StandingState {
  if (judged.length === 0) return state;
  const factor = answerFactor(judged);
  // On the word of one nobody is convicted. That it agrees counts all the same: else only answers in doubt would.
  const byPairs = judged.length < CONFIRMED_AUDITORS ? Math.min(factor, 1) : factor;
  const next = {
    ...state,
    won: after(state.won, factor),
    wonByPairs: after(state.wonByPairs, byPairs),
    checked: state.checked + 1,
    agreed: state.agreed + (deviates(judged) ? 0 : 1),
  };
  const isFreed = isQuarantined(levelOf(state)) && !isQuarantined(levelOf(next));
  return isFreed ? { ...next, freedAt: next.checked } : next;
}

function isQuarantined(level: Level): boolean {
  return level === 'quarantined' || level === 'convicted';
}

export function levelOf({ won, wonByPairs }: StandingState): Level {
  if (log10Of(wonByPairs) >= CONVICTED_LOG10) return 'convicted';
  const log10E = log10Of(won);
  if (log10E >= QUARANTINED_LOG10) return 'quarantined';
  return log10E >= SUSPECTED_LOG10 ? 'suspected' : 'good';
}

/** What gamblers have who began with the same stake: the e-value of all their answers together, in powers of ten. */
export function log10Of(won: readonly number[]): number {
  return Math.log10(won.reduce((sum, log10) => sum + 10 ** log10, 0) / won.length);
}

/**
 * How many more auditors an answer needs, as far as it was judged; the caller says how many could not judge it.
 * `isConfirmed`: a second one reads it whatever the first found, who could not know that.
 */
export function moreAuditors(judged: readonly Judged[], abstained: number, isConfirmed: boolean): number {
  const asked = judged.length + abstained;
  return Math.max(0, wantedFor(judged, isConfirmed) + Math.min(abstained, REPLACED) - asked);
}

/** One who accuses is heard by a second; where these two contradict each other, a third says which of them lies. */
function wantedFor(judged: readonly Judged[], isConfirmed: boolean): number {
  const against = judged.filter(({ log10E }) => log10E >= SUSPECTED_LOG10).length;
  const forIt = judged.length - against;
  if (against === 0) return isConfirmed ? CONFIRMED_AUDITORS : 1;
  if (against < forIt) return judged.length;
  return judged.length === 1 || against === forIt ? judged.length + 1 : CONFIRMING_AUDITORS;
}

/**
 * An appeal: the same answer before auditors who were not drawn before. Upheld only when most of them, and at least three,
 * find that it deviates; otherwise the provider starts anew.
 */
export function appeal(state: StandingState, judged: readonly Judged[]): StandingState {
  const against = judged.filter(({ log10E }) => log10E >= SUSPECTED_LOG10).length;
  return against >= 3 && against * 2 > judged.length ? state : NEW_STANDING;
}

/** What one answer multiplies a stake by. */
function answerFactor(judged: readonly Judged[]): number {
  const least = Math.min(...judged.map(({ log10E }) => log10E));
  return factorOf(least, judged);
}

/** What it multiplies a stake by that these say the same: at most what it takes for all of them to lie. */
export function factorOf(log10E: number, judged: readonly Pick<Judged, 'platform'>[]): number {
  const voices = judged.reduce((sum, { platform }) => sum + (platform ? PLATFORM_VOICES : 1), 0);
  const capped = Math.min(log10E, ANSWER_CAP_LOG10, -voices * LIARS_LOG10);
  // Half: the other half pays for the liars.
  return 10 ** capped / 2;
}

/** What the gamblers have once each has bet on something that multiplies a stake by this. */
export function after(won: readonly number[], factor: number): number[] {
  return STAKES.map((stake, i) => Math.max(FLOOR_LOG10, won[i]! + Math.log10(1 - stake + stake * factor)));
}

function deviates(judged: readonly Judged[]): boolean {
  return judged.every(({ log10E }) => log10E >= SUSPECTED_LOG10);
}
