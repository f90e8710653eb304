/** The numbers that can be voted on, in words: credits, per cent, or what they count. */
import { fieldOf } from '@llmesh/core/ledger/parameter-field';
import type { ParameterView } from '@llmesh/core/wire/credit-pages';
import { credits } from '../parts/amount/amount.ts';
import { counted } from '../parts/format.ts';

const MICRO_CREDITS = 'micro-credits';
const THOUSANDTHS = 'thousandths';
type Unit = Pick<ParameterView, 'unit'>;

/** "0.1 credits for 1,000 units", "2.5 %", "1 newcomer a day" */
export function valueWords({ unit }: Unit, value: number): string {
  if (unit === THOUSANDTHS) return `${fieldOf({ unit }, value)} %`;
  if (unit.startsWith(MICRO_CREDITS)) return credits(value) + unit.slice(MICRO_CREDITS.length);
  // The thing that is counted is the unit's first word.
  return counted(value, unit.replace(/s\b/, ''), unit);
}

/** What one proposal may make of it: within its bounds, and a step at most. */
export function reachOf({ value, min, max, step }: Pick<ParameterView, 'value' | 'min' | 'max' | 'step'>): {
  least: number;
  most: number;
} {
  return { least: Math.max(min, value - step), most: Math.min(max, value + step) };
}

/** "task-reward" → "Task reward" */
export function nameOf(parameter: string): string {
  const words = parameter.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
