/** Compares the same meshes with and without hedging and resumption: for each figure the median over the seeds, and its range. */
import { table } from './table.ts';
import { simulate, type Outcome } from './simulate.ts';
import type { WorldOptions } from './world.ts';

interface Variant {
  name: string;
  changes: Pick<WorldOptions, 'hedge' | 'resume'>;
}

const VARIANTS: readonly Variant[] = [
  { name: 'hedging and resumption', changes: { hedge: true, resume: true } },
  { name: 'no hedging', changes: { hedge: false, resume: true } },
  { name: 'no resumption', changes: { hedge: true, resume: false } },
  { name: 'neither', changes: { hedge: false, resume: false } },
];

const COLUMNS: readonly { head: string; of: (outcome: Outcome) => number | null; show: (value: number) => string }[] = [
  { head: 'first token p50', of: ({ figures }) => figures.firstTokenMs?.p50 ?? null, show: ms },
  { head: 'p95', of: ({ figures }) => figures.firstTokenMs?.p95 ?? null, show: ms },
  { head: 'p99', of: ({ figures }) => figures.firstTokenMs?.p99 ?? null, show: ms },
  { head: 'extra work', of: ({ figures }) => figures.extraWork, show: percent },
  { head: 'whole answers', of: ({ figures }) => figures.completion, show: percent },
  { head: 'broke off', of: ({ figures }) => figures.brokenOff, show: String },
  { head: 'resumed', of: ({ figures }) => figures.resumed, show: String },
];

export interface Comparison {
  variant: string;
  changes: Variant['changes'];
  outcomes: Outcome[];
}

export async function compare(of: (seed: number) => WorldOptions, seeds: readonly number[], minutes: number) {
  const comparisons: Comparison[] = [];
  for (const { name, changes } of VARIANTS) {
    const outcomes: Outcome[] = [];
    for (const seed of seeds) outcomes.push(await simulate({ ...of(seed), ...changes }, minutes));
    comparisons.push({ variant: name, changes, outcomes });
  }
  return comparisons;
}

export function comparisonTable(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ variant, outcomes }) => [
    variant,
    ...COLUMNS.map(({ of, show }) =>
      spread(
        outcomes.flatMap((outcome) => of(outcome) ?? []),
        show,
      ),
    ),
  ]);
  return table(['', ...COLUMNS.map(({ head }) => head)], rows);
}

function spread(values: readonly number[], show: (value: number) => string): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, middle, most] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
  if (least === undefined || middle === undefined || most === undefined) return '–';
  return least === most ? show(middle) : `${show(middle)} (${show(least)}–${show(most)})`;
}

function ms(value: number): string {
  return value < 10_000 ? `${value} ms` : `${(value / 1000).toFixed(1)} s`;
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}
