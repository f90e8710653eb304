/** Attacks by those who own both ends: they pay themselves. */
import { inCredits } from '@llmesh/core/ledger/credit';
import { arena, PRICE, unitsFor, work, type Figure } from '../arena.ts';
import { reportOn } from '../reports.ts';

const ROUNDS = 30;
const SETTLED_MS = 3_600_000;
/** Units, and so little to pay, of answers that are only there to be audited. */
const SMALL_ANSWER = 1_000;
const AUDITORS = 5;

/** A pair, or a ring, in which each asks the next one, for half of what it has. */
async function ring(seed: number, size: number): Promise<Figure> {
  const place = await arena(seed, size);
  const { economy, attackers } = place;
  const start = economy.wealth(attackers);
  const asked: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const requester = attackers[i % size]!;
    const units = Math.max(1, unitsFor(place, requester, 0.5));
    await economy.deal(requester, attackers[(i + 1) % size]!, units, PRICE);
    asked.push(units);
    economy.pass(1_000);
  }
  economy.pass(SETTLED_MS);
  const end = economy.wealth(attackers);
  return { start, end, honest: await work(place, asked), note: `${ROUNDS} answers to each other` };
}

export const selfDealing = (seed: number) => ring(seed, 2);
export const ringOfTen = (seed: number) => ring(seed, 10);

/**
 * It owns the auditors, too, and has every answer checked by as many as are ever asked. `price` 0: the answers are free, and
 * what others paid for checks is to pay for theirs.
 */
async function selfAudit(seed: number, price: number): Promise<Figure> {
  const place = await arena(seed, 10);
  const { economy, attackers } = place;
  const start = economy.wealth(attackers);
  let fees = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const [requester, provider] = [attackers[i % 10]!, attackers[(i + 1) % 10]!];
    const match = await economy.deal(requester, provider, SMALL_ANSWER, price);
    for (let k = 2; k < 2 + AUDITORS; k++) {
      const report = await reportOn(match, provider, attackers[(i + k) % 10]!, economy.random);
      if (economy.tryPost({ kind: 'audit-fee', report }) === null) fees += 1;
    }
    economy.pass(1_000);
  }
  economy.pass(SETTLED_MS);
  return {
    ...{ start, end: economy.wealth(attackers), honest: null },
    note: `${fees} of ${ROUNDS * AUDITORS} reports were paid; ${inCredits(economy.balance('auditors'))} credits are left for others`,
  };
}

export const ringThatAuditsItself = (seed: number) => selfAudit(seed, PRICE);
export const auditsOfFreeAnswers = (seed: number) => selfAudit(seed, 0);
