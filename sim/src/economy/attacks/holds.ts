/** Attacks with what is put aside: never used, used by many providers at once. */
import { arena, PRICE, unitsFor, type Figure } from '../arena.ts';

const SETTLED_MS = 3_600_000;
const ROUNDS = 50;

/** Puts all aside that it has, again and again, and never takes an answer. */
export async function reserveWithoutUse(seed: number): Promise<Figure> {
  const place = await arena(seed, 1);
  const { economy, attackers, honest } = place;
  const [requester] = attackers as [(typeof attackers)[0]];
  const start = economy.wealth(attackers);
  let held = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const units = unitsFor(place, requester, 1);
    if (units > 0 && (await economy.match(requester, honest, { maxUnits: units, price: PRICE })).funded) held += 1;
    economy.pass(60_000);
  }
  economy.pass(SETTLED_MS);
  return {
    ...{ start, end: economy.wealth(attackers), honest: null },
    note: `${held} of ${ROUNDS} tries were held, one at a time; all came back`,
  };
}

/** A hold for one answer, and a receipt or an acknowledgement for all of it from each of eight providers. */
export async function handOvers(seed: number): Promise<Figure> {
  const place = await arena(seed, 9);
  const { economy, attackers } = place;
  const [requester, ...providers] = attackers as [(typeof attackers)[0], ...typeof attackers];
  const start = economy.wealth(attackers);
  for (let i = 0; i < ROUNDS / 5; i++) {
    const units = Math.max(1, unitsFor(place, requester, 0.1));
    const match = await economy.match(requester, providers, { maxUnits: units, price: PRICE });
    await economy.receive(match, providers[0]!, units);
    for (const provider of providers.slice(1)) await economy.acknowledge(match, provider, units);
    economy.pass(1_000);
  }
  economy.pass(SETTLED_MS);
  return {
    ...{ start, end: economy.wealth(attackers), honest: null },
    note: 'eight providers each file all of every answer',
  };
}
