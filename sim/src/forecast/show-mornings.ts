/** What `npm run sim -- --forecast` prints: a table, and one line of JSON. */
import { table } from '../table.ts';
import { mornings, type MorningsFigures } from './mornings.ts';

const MODELS = 8;

/** False: the forecast did not help. */
export async function showMornings(
  seed: number,
  { days, lenders }: { days: number; lenders: number },
): Promise<boolean> {
  const options = { seed, days, lenders, models: MODELS };
  const [without, foreseen] = [
    await mornings({ ...options, forecast: false }),
    await mornings({ ...options, forecast: true }),
  ];
  const row = (name: string, of: (figures: MorningsFigures) => number | string) => [name, of(without), of(foreseen)];
  console.log(
    table(
      [
        `${MODELS} models, ${lenders} lenders each, ${days} days, ${without.questions} questions`,
        'without',
        'with forecast',
      ],
      [
        row('first words, ms: median', ({ firstTokenMs }) => firstTokenMs.p50),
        row('first words, ms: 95th percentile', ({ firstTokenMs }) => firstTokenMs.p95),
        row('first question of a workday, ms: median', ({ morningMs }) => morningMs.p50),
        row('first question of a workday, ms: 95th percentile', ({ morningMs }) => morningMs.p95),
        row('questions that waited for a lender', ({ waited }) => waited),
        row('hours a day that a lender has its model in memory', ({ loadedHoursADay }) => loadedHoursADay),
      ],
    ),
  );
  console.log(JSON.stringify({ sim: 'forecast', seed, days, lenders, models: MODELS, without, with: foreseen }));
  return foreseen.firstTokenMs.p95 < without.firstTokenMs.p95;
}
