/** Attacks by those who own both ends: they pay themselves. */
import { arena, PRICE, unitsFor, work, type Figure } from '../arena.ts';
import { reportOn } from '../reports.ts';

const ROUNDS = 40;
const SETTLED_MS = 3_600_000;

/** A pair, or a ring, in which each asks the next one, for half of what it has. */
async function ring(attack: string, seed: number, size: number): Promise<Figure> {
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
  return { attack, start, end, honest: await work(place, asked), note: `${ROUNDS} answers to each other` };
}

export const selfDealing = (seed: number) => ring('self-dealing pair', seed, 2);
export const ringOfTen = (seed: number) => ring('ring of ten', seed, 10);

/** It owns the auditors, too, and has every answer checked by as many as are ever asked. */
export async function ringThatAuditsItself(seed: number): Promise<Figure> {
  const place = await arena(seed, 10);
  const { economy, attackers } = place;
  const start = economy.wealth(attackers);
  let fees = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const [requester, provider] = [attackers[i % 10]!, attackers[(i + 1) % 10]!];
    const match = await economy.deal(requester, provider, Math.max(1, unitsFor(place, requester, 0.5)), PRICE);
    for (let k = 2; k < 7; k++) {
      const report = await reportOn(match, provider, attackers[(i + k) % 10]!, economy.random);
      if (economy.tryPost({ kind: 'audit-fee', report }) === null) fees += 1;
    }
    economy.pass(1_000);
  }
  economy.pass(SETTLED_MS);
  return {
    attack: 'ring that audits itself',
    ...{ start, end: economy.wealth(attackers), honest: null },
    note: `${fees} of ${ROUNDS * 5} reports were paid`,
  };
}

/** The same ring has answers checked that nobody paid for, while others have filled the pool of the auditors. */
export async function auditsOfFreeAnswers(seed: number): Promise<Figure> {
  const place = await arena(seed, 10);
  const { economy, attackers } = place;
  const start = economy.wealth(attackers);
  let fees = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const provider = attackers[i % 10]!;
    const match = await economy.match(attackers[(i + 1) % 10]!, [provider], { maxUnits: 1_000_000, price: 0 });
    await economy.receive(match, provider, 1_000_000);
    for (let k = 2; k < 7; k++) {
      const report = await reportOn(match, provider, attackers[(i + k) % 10]!, economy.random);
      if (economy.tryPost({ kind: 'audit-fee', report }) === null) fees += 1;
    }
  }
  economy.pass(SETTLED_MS);
  return {
    attack: 'ring that audits its free answers',
    ...{ start, end: economy.wealth(attackers), honest: null },
    note: `${fees} of ${ROUNDS * 5} reports were paid`,
  };
}
