/** Every attack on the economy by its name, and what each came to. */
import { inCredits } from '@llmesh/core/ledger/credit';
import { table } from '../table.ts';
import type { Figure } from './arena.ts';
import { auditorCartel } from './attacks/cartel.ts';
import { doubleFiling, forgedReceipt, lateFiling, receiptForNothing } from './attacks/filings.ts';
import { handOvers, reserveWithoutUse } from './attacks/holds.ts';
import { thousandNewcomers } from './attacks/newcomers.ts';
import { dustFlood, proposalSpam } from './attacks/orders.ts';
import { auditsOfFreeAnswers, ringOfTen, ringThatAuditsItself, selfDealing } from './attacks/rings.ts';
import { appealCycling, convictOneself, stakeCycling } from './attacks/stakes.ts';
import { priceOscillation } from './attacks/prices.ts';
import { fetchedOnDemand, storageFarm, vouching } from './attacks/storage.ts';
import { uptimeFarm } from './attacks/uptime.ts';
import { answersAndTransfers, answersInACircle, transferCarousel } from './attacks/votes.ts';

export type Attack = (seed: number) => Promise<Figure>;

export const ATTACKS: Readonly<Record<string, Attack>> = {
  'self-dealing pair': selfDealing,
  'ring of ten': ringOfTen,
  'ring that audits itself': ringThatAuditsItself,
  'ring that audits its free answers': auditsOfFreeAnswers,
  'auditor cartel below one third': auditorCartel,
  'thousand fresh identities farming the allowance': thousandNewcomers,
  'price oscillation': priceOscillation,
  'uptime farm in one network': uptimeFarm,
  'storage farm in one network': storageFarm,
  'storage fetched on demand': fetchedOnDemand,
  'keepers that vouch for each other': vouching,
  'reserve without use': reserveWithoutUse,
  'hold griefing by hand-overs': handOvers,
  'receipt for nothing': receiptForNothing,
  'forged halves and leases': forgedReceipt,
  'double filing': doubleFiling,
  'late filing after refund': lateFiling,
  'stake–unstake cycling around a slash': stakeCycling,
  'convicting oneself to be paid back': convictOneself,
  'conviction and appeal in turns': appealCycling,
  'transfer carousel before a vote': transferCarousel,
  'answers in a circle before a vote': answersInACircle,
  'answers one way, transfers back, before a vote': answersAndTransfers,
  'proposal spam': proposalSpam,
  'dust flood of postings': dustFlood,
};

export type NamedFigure = Figure & { readonly attack: string };

export async function attackFigures(seed: number): Promise<NamedFigure[]> {
  const figures: NamedFigure[] = [];
  for (const [attack, run] of Object.entries(ATTACKS)) figures.push({ attack, ...(await run(seed)) });
  return figures;
}

export function attackTable(figures: readonly NamedFigure[]): string {
  const rows = figures.map(({ attack, start, end, honest, note }) => [
    ...[attack, inCredits(start), inCredits(end), percent(end, start)],
    ...[honest === null ? '–' : percent(honest, start), note],
  ]);
  return table(['attack', 'credits before', 'after', 'change', 'honest work', 'what happened'], rows);
}

function percent(end: number, start: number): string {
  return start === 0 ? '–' : `${(((end - start) / start) * 100).toFixed(1)} %`;
}
