/** When something may be proposed, voted on and carried out. */
import { contradiction, isParameter, PARAMETERS, type ParameterName } from './parameters.ts';

const DAY_MS = 86_400_000;
export const VOTE_MS = 7 * DAY_MS;
/** Between the end of a vote and its effect: time to see what comes, and to leave. */
export const DELAY_MS = 2 * DAY_MS;
/** A vote that has passed is carried out within this time of its effect, or never. */
export const CARRIED_OUT_WITHIN_MS = 14 * DAY_MS;
/** Proposals that are open at the same time. */
export const MAX_OPEN = 64;

export interface Proposed {
  readonly name: string;
  readonly value: number;
}

/** What is known of the parameter. */
export interface Present {
  readonly value: number;
  /** Null: no vote ever changed it. */
  readonly changedMs: number | null;
  readonly ms: number;
  /** The value of any parameter at present. */
  readonly of: (name: ParameterName) => number;
}

/** Why this cannot be proposed, or carried out, at present; null: it can. */
export function objection({ name, value }: Proposed, { value: now, changedMs, ms, of }: Present): string | null {
  if (!isParameter(name)) return `There is no parameter ${name}.`;
  const { min, max, step, coolDownDays } = PARAMETERS[name];
  if (value < min || value > max) return `${name} is between ${min} and ${max}.`;
  if (value === now) return `${name} is ${now} already.`;
  if (Math.abs(value - now) > step) return `${name} is ${now}, and one vote changes it by at most ${step}.`;
  if (changedMs !== null && ms < changedMs + coolDownDays * DAY_MS)
    return `${name} was changed within the last ${coolDownDays} days.`;
  return contradiction((one) => (one === name ? value : of(one)));
}
