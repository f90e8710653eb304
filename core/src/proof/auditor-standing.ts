/**
 * What an auditor's word is worth: bets against it, like those against a provider. Whether others contradicted it, is one bet; an
 * answer that is known to whoever had it checked counts like another auditor. Pure.
 *
 * An honest auditor is contradicted by most only where all of those lie: at most one stranger in four does, so k more of them than
 * on its own side with a chance of about 4^−k. Then the stake is multiplied by 4^k ÷ 2, and by ½ where they confirm it: on average by 1 at most.
 */
import { after, factorOf, log10Of, NEW_STANDING, QUARANTINED_LOG10, type Judged } from './standing.ts';
import { ANSWER_CAP_LOG10, SUSPECTED_LOG10 } from './wager.ts';

/** After so many answers in a row that it could not judge, it is only given some that it could: others wait for nothing. */
export const MOST_ABSTAINED = 8;

export interface AuditorState {
  /** What each gambler has, in powers of ten, as in `StandingState`. */
  readonly won: readonly number[];
  /** How often others confirmed and contradicted it, and how often it abstained. */
  readonly agreed: number;
  readonly against: number;
  readonly abstained: number;
  /** How often it abstained since it last judged anything. */
  readonly inARow: number;
}

export const NEW_AUDITOR: AuditorState = {
  won: NEW_STANDING.won,
  agreed: 0,
  against: 0,
  abstained: 0,
  inARow: 0,
};

/** What became of its word. `by`: those who contradict it, less those who say the same as it. */
export type AuditorFate =
  | { readonly what: 'agreed' }
  | { readonly what: 'against'; readonly by: readonly Pick<Judged, 'platform'>[] }
  /** Nobody else judged the answer. */
  | { readonly what: 'alone' }
  | { readonly what: 'abstained' };

export function recordAuditor(state: AuditorState, fate: AuditorFate): AuditorState {
  switch (fate.what) {
    case 'agreed':
      return { ...state, won: after(state.won, factorOf(0, [])), agreed: state.agreed + 1, inARow: 0 };
    case 'against': {
      const factor = factorOf(ANSWER_CAP_LOG10, fate.by);
      return { ...state, won: after(state.won, factor), against: state.against + 1, inARow: 0 };
    }
    case 'alone':
      return { ...state, inARow: 0 };
    case 'abstained':
      return { ...state, abstained: state.abstained + 1, inARow: state.inARow + 1 };
    default:
      return fate satisfies never;
  }
}

/**
 * What it may still do. `all`: audit. `known`: only answers that are known, of which nothing depends on it, and with which it
 * can clear itself. `none`: nothing; by accident that happens to one honest auditor in ten thousand.
 */
export type AuditorRole = 'all' | 'known' | 'none';

export function roleOf({ won, inARow }: Pick<AuditorState, 'won' | 'inARow'>): AuditorRole {
  const log10E = log10Of(won);
  if (log10E >= QUARANTINED_LOG10) return 'none';
  return log10E >= SUSPECTED_LOG10 || inARow >= MOST_ABSTAINED ? 'known' : 'all';
}
