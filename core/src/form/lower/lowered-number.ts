/** Lowers the bounds of numbers. */
import type { Part } from './schema-part.ts';
import { GREATEST_BOUND } from '../spelt/number-range.ts';
import type { SchemaBudget } from './schema-budget.ts';
import type { Gaps } from './schema-gaps.ts';

interface Bound {
  value: number;
  /** The bound itself does not count. */
  isOut: boolean;
  at: string;
  keyword: string;
}

/** Null: there is no such number. */
export function loweredNumber(
  type: 'integer' | 'number',
  parts: readonly Part[],
  gaps: Gaps,
  budget: SchemaBudget,
): object | null {
  const least = bound(parts, 'inimum', (one, other) => one > other);
  const most = bound(parts, 'aximum', (one, other) => one < other);
  if (least !== null && most !== null) {
    if (least.value > most.value || (least.value === most.value && (least.isOut || most.isOut))) return null;
  }
  const [from, to] = [least && whole(type, least, 1), most && whole(type, most, -1)];
  for (const [exact, rough] of [
    [least, from],
    [most, to],
  ] as const) {
    // Between whole numbers the next one further out is the bound, and the rest is looked at later.
    if (exact !== null && type === 'number' && rough?.value !== exact.value) gaps.add(exact.at, exact.keyword);
  }
  if (from !== null && to !== null && from.value > to.value) return null;
  const range = { least: from?.value ?? null, most: to?.value ?? null };
  if (range.least === null && range.most === null) return { type };
  const more = type === 'number' && { isAbove: from?.isOut === true, isBelow: to?.isOut === true };
  if (budget.spellings.ofNumber({ type, ...range, ...more }) === null) {
    for (const exact of [least, most]) if (exact !== null) gaps.add(exact.at, exact.keyword);
    return { type };
  }
  return {
    type,
    ...(from !== null && { [from.isOut ? 'exclusiveMinimum' : 'minimum']: from.value }),
    ...(to !== null && { [to.isOut ? 'exclusiveMaximum' : 'maximum']: to.value }),
  };
}

/** The tightest bound of all parts; null: there is none. */
function bound(
  parts: readonly Part[],
  side: 'inimum' | 'aximum',
  isTighter: (one: number, other: number) => boolean,
): Bound | null {
  let found: Bound | null = null;
  for (const { node, at } of parts) {
    for (const keyword of [`m${side}`, `exclusiveM${side}`]) {
      const value = node[keyword];
      if (typeof value !== 'number' || !Number.isFinite(value)) continue;
      // In draft 4 and OpenAPI 3.0 a flag says whether the bound counts.
      const isOut = keyword !== `m${side}` || node[`exclusiveM${side}`] === true;
      const isSame: boolean = found !== null && value === found.value;
      if (found === null || isTighter(value, found.value) || (isSame && isOut)) found = { value, isOut, at, keyword };
    }
  }
  return found;
}

/** The same bound, or for numbers the next whole one further out; null: numbers of our length do not reach it. */
function whole(type: 'integer' | 'number', { value, isOut, at, keyword }: Bound, inwards: 1 | -1): Bound | null {
  const inner = inwards === 1 ? Math.ceil(value) : Math.floor(value);
  const outer = inwards === 1 ? Math.floor(value) : Math.ceil(value);
  const made =
    type === 'integer'
      ? { value: isOut && inner === value ? inner + inwards : inner, isOut: false }
      : { value: outer, isOut: isOut && outer === value };
  // -0 is no other bound than 0.
  return Math.abs(made.value) > GREATEST_BOUND ? null : { ...made, value: made.value + 0, at, keyword };
}
