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
import { uptimeFarm } from './attacks/uptime.ts';
import { answersAndTransfers, answersInACircle, transferCarousel } from './attacks/votes.ts';

export type Attack = (seed: number) => Promise<Figure>;

export const ATTACKS: readonly Attack[] = [
  selfDealing,
  ringOfTen,
  ringThatAuditsItself,
  auditsOfFreeAnswers,
  auditorCartel,
  thousandNewcomers,
  priceOscillation,
  uptimeFarm,
  reserveWithoutUse,
  handOvers,
  receiptForNothing,
  forgedReceipt,
  doubleFiling,
  lateFiling,
  stakeCycling,
  convictOneself,
  appealCycling,
  transferCarousel,
  answersInACircle,
  answersAndTransfers,
  proposalSpam,
  dustFlood,
];

export async function attackFigures(seed: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const attack of ATTACKS) figures.push(await attack(seed));
  return figures;
}

export function attackTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ attack, start, end, honest, note }) => [
    ...[attack, inCredits(start), inCredits(end), percent(end, start)],
    ...[honest === null ? '–' : percent(honest, start), note],
  ]);
  return table(['attack', 'credits before', 'after', 'change', 'honest work', 'what happened'], rows);
}

function percent(end: number, start: number): string {
  return start === 0 ? '–' : `${(((end - start) / start) * 100).toFixed(1)} %`;
}
