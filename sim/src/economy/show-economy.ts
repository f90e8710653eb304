/** What `npm run sim -- --economy` prints: three tables, and one line of JSON. */
import { MICRO } from '@llmesh/core/ledger/credit';
import { table } from '../table.ts';
import { paidOff } from './arena.ts';
import { attackFigures, attackTable } from './attack-table.ts';
import { month, type MonthFigures, type MonthOptions } from './month.ts';
import { splitRows, splitTable } from './vote-split.ts';

/** The names of the attacks that somebody gained by. */
export async function showOneEconomy(options: MonthOptions): Promise<string[]> {
  const figures = await attackFigures(options.seed);
  console.log(`${attackTable(figures)}\n`);
  const splits = splitRows(options.seed);
  console.log(`${splitTable(splits)}\n`);
  const honest = await month(options);
  console.log(`${monthTable(honest)}\n`);
  const attacks = figures.map(({ attack, start, end, honest: twin }) => ({ attack, start, end, honest: twin }));
  console.log(JSON.stringify({ seed: options.seed, attacks, splits, month: honest }));
  return figures.filter(paidOff).map(({ attack }) => attack);
}

function monthTable(figures: MonthFigures): string {
  const { funded, unfunded, credits, demand } = figures;
  const inWhole = (amount: number) => (amount / MICRO).toFixed(1);
  return table(
    [`${figures.peers} peers, ${figures.days} days, ${figures.events} events`, ''],
    [
      ['answers', figures.answers],
      ['of these, paid for', figures.paid],
      ['newcomers’ first questions, paid for', figures.firstPaid],
      ['minutes in line with credits: mean, 99th percentile', `${funded.mean}, ${funded.p99}`],
      ['minutes in line without credits', `${unfunded.mean}, ${unfunded.p99}`],
      ['questions still in line at the end', figures.left],
      ['credits given out by emission', inWhole(figures.emitted)],
      ['credits of the treasury, of the auditors', `${inWhole(figures.treasury)}, ${inWhole(figures.auditors)}`],
      [
        'credits each: who only lends, does both, only asks',
        [credits.volunteers, credits.both, credits.askers].map(inWhole).join(', '),
      ],
      ['part of what lenders earned that was for hours', figures.forHours],
      ['of that, for being there alone', figures.forBeingThere],
      ['what the fifth who answered least earned in an hour, of what the busiest did', figures.idle],
      ['evenness of what lenders have for an hour', figures.evenness],
      ['demand: lowest, highest, last', [demand.least, demand.most, demand.last].join(', ')],
    ],
  );
}
