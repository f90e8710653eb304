/** How long an answer may get. */
import * as v from 'valibot';
import { badRequest } from './api-error.ts';

/** More than any model's context: a provider writes no further than that. */
export const MAX_ANSWER_TOKENS = 1_048_576;
/** Other servers' word for "as long as the model likes". */
const ANY = -1;

export const maxTokens = v.pipe(
  v.number(),
  v.check(
    (value) => Number.isInteger(value) && (value >= 1 || value === ANY),
    'It is a whole number of tokens, 1 or more; -1: as long as the model likes.',
  ),
);

/** What several fields that mean the same say; null: as long as the model likes. */
export function maxTokensOf(fields: Record<string, number | undefined>): number | null {
  const [first, ...others] = Object.entries(fields).filter(([, value]) => value !== undefined);
  const different = others.find(([, value]) => value !== first?.[1]);
  if (first === undefined) return null;
  if (different !== undefined) {
    throw badRequest(different[0], `Say ${first[0]} alone: both mean the same, and these differ.`);
  }
  const [, value = ANY] = first;
  return value === ANY ? null : Math.min(value, MAX_ANSWER_TOKENS);
}
