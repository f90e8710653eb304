/** Attacks on votes: weight from credits that only go round. */
import { inCredits } from '@llmesh/core/ledger/credit';
import { accountOf } from '@llmesh/core/ledger/account';
import { DAY_MS, dayOf } from '@llmesh/core/ledger/keys';
import { weightAt } from '@llmesh/core/ledger/rules/voting';
import { arena, PRICE, unitsFor, type Arena, type Figure } from '../arena.ts';

const SETTLED_MS = 3_600_000;
/** Enough that five others have paid each. */
const RING = 6;
const ROUNDS = 60;
const PART = 0.3;

/** All of a ring together, in a vote that begins the next day. */
function weightOfAll({ economy, attackers }: Arena): number {
  economy.pass(DAY_MS);
  return attackers.reduce((sum, { id }) => sum + weightAt(economy.state, id, dayOf(economy.ms)), 0);
}

/** The same credits go round by transfers, from key to key. */
export async function transferCarousel(seed: number): Promise<Figure> {
  const place = await arena(seed, RING);
  const { economy, attackers } = place;
  const start = economy.wealth(attackers);
  for (let i = 0; i < ROUNDS; i++) {
    const from = attackers[i % RING]!;
    const amount = economy.balance(accountOf('free', from.id));
    await economy.order({ kind: 'transfer', to: attackers[(i + 1) % RING]!.id, amount }, from);
    economy.pass(60_000);
  }
  const weight = weightOfAll(place);
  return {
    ...{ start, end: economy.wealth(attackers), honest: null },
    note: `a vote that weighs ${inCredits(weight)} credits`,
  };
}

/** Each pays others for answers with a part of what it has, which comes back by answers, or by transfers. */
async function washTrade(seed: number, back: boolean): Promise<Figure> {
  const place = await arena(seed, RING);
  const { economy, attackers } = place;
  const start = economy.wealth(attackers);
  for (let i = 0; i < ROUNDS; i++) {
    const round = Math.floor(i / RING);
    const from = attackers[i % RING]!;
    const to = attackers[(i + 1 + (round % (RING - 1))) % RING]!;
    const before = economy.balance(accountOf('free', to.id));
    await economy.deal(from, to, unitsFor(place, from, PART), PRICE);
    const amount = economy.balance(accountOf('free', to.id)) - before;
    if (back) await economy.order({ kind: 'transfer', to: from.id, amount }, to);
    economy.pass(60_000);
  }
  economy.pass(SETTLED_MS);
  const weight = weightOfAll(place);
  return {
    ...{ start, end: economy.wealth(attackers), honest: null },
    note: `a vote that weighs ${inCredits(weight)} credits`,
  };
}

export const answersInACircle = (seed: number) => washTrade(seed, false);
export const answersAndTransfers = (seed: number) => washTrade(seed, true);
