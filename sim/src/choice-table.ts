/** Runs `choice.ts` over its policies and loads. */
import { choose, type ChoiceFigures, type ChoiceOptions } from './choice.ts';
import { table } from './table.ts';

const LOADS = [0.5, 0.8, 0.95];
const SAMPLES = [1, 2, 4, 16, 64];
/** The mean answer may take so much longer than with the best choice before a smaller sample counts as worse. */
const AS_GOOD = 1.03;

export type ChoiceRow = Omit<ChoiceOptions, 'seed'> & ChoiceFigures;

export async function choiceRows(seed: number, providers: number, seconds: number): Promise<ChoiceRow[]> {
  const rows: ChoiceRow[] = [];
  for (const load of LOADS) {
    for (const promises of [false, true]) {
      for (const policy of ['weighted', 'best'] as const) {
        for (const sample of SAMPLES) {
          const options = { providers, seconds, load, sample, policy, promises };
          rows.push({ ...options, ...(await choose({ seed, ...options })) });
        }
      }
    }
  }
  return rows;
}

/** The smallest sample that is as good as the best at every load, when chosen as the matchmaker does: weighted, counting promises. */
export function recommended(rows: readonly ChoiceRow[]): number {
  const mine = rows.filter(({ policy, promises }) => policy === 'weighted' && promises);
  const good = SAMPLES.filter((sample) =>
    LOADS.every((load) => {
      const same = mine.filter((row) => row.load === load);
      const best = Math.min(...same.map(({ answerMeanSeconds }) => answerMeanSeconds));
      return same.some((row) => row.sample === sample && row.answerMeanSeconds <= best * AS_GOOD);
    }),
  );
  return good[0] ?? SAMPLES.at(-1)!;
}

export function choiceTable(rows: readonly ChoiceRow[]): string {
  const head = [
    'choice',
    'k',
    'load',
    'had to wait',
    'wait mean',
    'wait p95',
    'answer mean',
    'answer p95',
    'worst provider',
  ];
  return table(
    head,
    rows.map((row) => [
      `${row.policy}${row.promises ? ', counts its promises' : ''}`,
      ...[row.sample, `${row.load * 100} %`, `${(row.waited * 100).toFixed(1)} %`],
      ...[`${row.waitMeanMs} ms`, `${row.waitP95Ms} ms`],
      ...[`${row.answerMeanSeconds} s`, `${row.answerP95Seconds} s`, `${row.worst} × its slots`],
    ]),
  );
}
