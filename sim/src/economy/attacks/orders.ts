/** Attacks with orders: transfers without end, proposals without end. */
import { inCredits } from '@llmesh/core/ledger/credit';
import { accountOf } from '@llmesh/core/ledger/account';
import { arena, type Figure } from '../arena.ts';

const DUST = 500;
const PROPOSALS = 200;
const DAY_MS = 86_400_000;

/** Sends single micro-credits to and fro. */
export async function dustFlood(seed: number): Promise<Figure> {
  const place = await arena(seed, 2);
  const { economy, attackers } = place;
  const [one, other] = [attackers[0]!, attackers[1]!];
  const start = economy.wealth(attackers);
  const before = economy.size;
  for (let i = 0; i < DUST; i++) {
    const [from, to] = i % 2 === 0 ? [one, other] : [other, one];
    await economy.order({ kind: 'transfer', to: to.id, amount: 1 }, from);
    if (i % 100 === 99) economy.pass(1_000);
  }
  return {
    ...{ start, end: economy.wealth(attackers), honest: economy.wealth(place.honest) },
    note: `${economy.size - before} of ${DUST} orders were taken`,
  };
}

/** Proposes again and again, with nobody to vote for it. */
export async function proposalSpam(seed: number): Promise<Figure> {
  const place = await arena(seed, 1);
  const { economy, attackers } = place;
  const [spammer] = attackers as [(typeof attackers)[0]];
  const start = economy.wealth(attackers);
  let taken = 0;
  for (let i = 0; i < PROPOSALS; i++) {
    const value = 700 + (i % 2 === 0 ? 10 : -10);
    if ((await economy.order({ kind: 'propose', parameter: 'split-host', value }, spammer)) === null) taken += 1;
    economy.pass(1_000);
  }
  const left = economy.balance(accountOf('free', spammer.id));
  for (let day = 0; day < 40; day++) economy.pass(DAY_MS);
  return {
    ...{ start, end: economy.wealth(attackers), honest: null },
    note: `${taken} of ${PROPOSALS} proposals were taken: nobody has paid it, so it has no vote; ${inCredits(left)} credits are free`,
  };
}
