/** The numbers that can be voted on, in words: credits, per cent, or what they count. */
import { isParameter, type ParameterName } from '@llmesh/core/governance/parameters';
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
  if (unit.startsWith(MICRO_CREDITS)) return credits(value, 'all') + unit.slice(MICRO_CREDITS.length);
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

const NAMES: Readonly<Record<ParameterName, string>> = {
  'price-tiny': 'Price of the smallest models',
  'price-small': 'Price of small models',
  'price-medium': 'Price of medium models',
  'price-large': 'Price of large models',
  'demand-floor': 'Lowest price in quiet times',
  'demand-ceiling': 'Highest price in busy times',
  'split-host': 'What the volunteer gets of a payment',
  'split-auditors': 'What those who check answers get of a payment',
  'task-reward': 'What the mesh adds for each paid answer',
  'uptime-cap': 'Most that an hour of being there earns',
  'storage-share': 'Part of that which is for keeping models',
  'storage-cap': 'Most that an hour of keeping models earns',
  'pinned-copies': 'How many volunteers keep each model of the catalogue',
  allowance: 'What a newcomer gets to begin with',
  'allowances-per-network': 'Newcomers a day with an allowance, from one network',
  'audit-share': 'How many answers are checked',
  'audit-fee': 'What checking an answer earns',
  'minimum-stake': 'Stake needed to earn by being there',
  'proposal-stake': 'What proposing a change puts aside',
  slash: 'What made-up answers cost of the stake',
};

/** What a person reads for the rule; a newer mesh may have others. */
export function nameOf(parameter: string): string {
  if (isParameter(parameter)) return NAMES[parameter];
  const words = parameter.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
