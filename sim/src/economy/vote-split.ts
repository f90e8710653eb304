/**
 * Does it pay to vote with many keys? The weight of one earner's keys, as a share of all weight, when the earner divides what it
 * earned among them, by each of two rules: the square root of what a key earned, or the whole of it. Both are capped for each
 * key, and count nothing where fewer others paid it than have to.
 */
import type { PeerId } from '@llmesh/core/base/ids';
import { MICRO, type Micro } from '@llmesh/core/ledger/credit';
import { capOf, MOST_COUNTERPARTIES, weightOf } from '@llmesh/core/governance/weight';
import { SeededRandom } from '../random.ts';
import { table } from '../table.ts';

export const RULES = ['sqrt', 'linear'] as const;
export type Rule = (typeof RULES)[number];
export const SPLITS = [1, 2, 5, 10, 20, 50, 100] as const;

interface Earner {
  readonly earned: Micro;
  /** How many distinct others paid it. */
  readonly payers: number;
}

/** Somebody whose keys are compared with the rest. */
export interface Splitter {
  readonly who: string;
  /** What it earned, as a share of what all others earned together. */
  readonly share: number;
}

export interface SplitRow {
  readonly who: string;
  readonly rule: Rule;
  /** The share of all weight, for each of SPLITS. */
  readonly shares: readonly number[];
}

export const SPLITTERS: readonly Splitter[] = [
  { who: 'a volunteer like others', share: 0.001 },
  { who: 'a large volunteer', share: 0.02 },
  { who: 'a hall of computers', share: 0.1 },
];

const EARNERS = 1_000;
const EARNED = { least: MICRO, most: 1_000 * MICRO };
/** What an answer pays its volunteer, on average. */
const ANSWER = 0.03 * MICRO;
const ASKERS = 700;
/** Any day will do. */
const DAY = 20_000;

export function splitRows(seed: number): SplitRow[] {
  const random = new SeededRandom(seed);
  const others = Array.from({ length: EARNERS }, () => earnerOf(random.logUniform(EARNED.least, EARNED.most)));
  return SPLITTERS.flatMap((one) =>
    RULES.map((rule) => ({
      ...{ who: one.who, rule },
      shares: SPLITS.map((keys) => Number(splitShare(others, one, keys, rule).toFixed(5))),
    })),
  );
}

export function splitTable(rows: readonly SplitRow[]): string {
  const keys = SPLITS.map((count) => (count === 1 ? '1 key' : `${count} keys`));
  return table(
    ['weight of all its keys together', 'rule', ...keys],
    rows.map(({ who, rule, shares }) => [who, rule, ...shares.map((part) => `${(part * 100).toFixed(2)} %`)]),
  );
}

/** The share of all weight that this earner has with so many keys. */
function splitShare(others: readonly Earner[], { share }: Splitter, keys: number, rule: Rule): number {
  const total = others.reduce((sum, { earned }) => sum + earned, 0);
  const own = Array.from({ length: keys }, () => earnerOf((total * share) / keys));
  const weights = weigh([...own, ...others], rule);
  const sumOf = (some: readonly number[]) => some.reduce((sum, weight) => sum + weight, 0);
  return sumOf(weights.slice(0, keys)) / sumOf(weights);
}

/** By the rule that counts real votes, each key capped. */
function weigh(all: readonly Earner[], rule: Rule): number[] {
  const raw = all.map(({ earned, payers }) => {
    const counted = Math.min(payers, MOST_COUNTERPARTIES);
    const some = Array.from({ length: counted }, (_, i) => [`${i}` as PeerId, DAY - 2, DAY - 1] as const);
    return weightOf([[DAY - 1, earned]], some, DAY, rule);
  });
  const most = capOf(raw.reduce((sum, weight) => sum + weight, 0));
  return raw.map((weight) => Math.min(weight, most));
}

/** Each answer is for anyone of those who ask: the expected number of distinct ones. */
function earnerOf(earned: number): Earner {
  const answers = earned / ANSWER;
  return { earned: Math.round(earned), payers: Math.floor(ASKERS * (1 - (1 - 1 / ASKERS) ** answers)) };
}
