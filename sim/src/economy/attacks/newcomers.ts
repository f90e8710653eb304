/** Attacks with keys that cost nothing but joining work. */
import { accountOf } from '@llmesh/core/ledger/account';
import { arena, PRICE, type Figure } from '../arena.ts';

const SETTLED_MS = 3_600_000;
const FRESH = 1_000;
const UNITS = 1_000;
/** One of so many also tries to send, stake and get again what it has. */
const TRIES_ONE_OF = 20;

/** A thousand fresh keys spend what newcomers get at a provider of their owner's, send it on, and stake it. */
export async function thousandNewcomers(seed: number): Promise<Figure> {
  const place = await arena(seed, 1);
  const { economy, attackers } = place;
  const [farmer] = attackers as [(typeof attackers)[0]];
  const fresh = Array.from({ length: FRESH }, (_, i) => economy.peer(`40.${i >> 8}.${i & 255}.1`));
  const start = economy.wealth(attackers);
  let funded = 0;
  let moved = 0;
  for (const [i, newcomer] of fresh.entries()) {
    economy.post({ kind: 'allowance', to: newcomer.id });
    const has = economy.balance(accountOf('allowance', newcomer.id));
    const units = Math.min(UNITS, Math.floor((has * 1_000) / PRICE));
    if ((await economy.deal(newcomer, farmer, units, PRICE)).funded) funded += 1;
    if (i % TRIES_ONE_OF > 0) continue;
    const tries = [
      await economy.order({ kind: 'transfer', to: farmer.id, amount: 1 }, newcomer),
      await economy.order({ kind: 'stake', amount: 1 }, newcomer),
      economy.tryPost({ kind: 'allowance', to: newcomer.id }),
    ];
    moved += tries.filter((code) => code === null).length;
  }
  economy.pass(SETTLED_MS);
  return {
    ...{ start, end: economy.wealth([...attackers, ...fresh]), honest: null },
    note: `${funded} answers held for ${FRESH} newcomers; ${moved} of ${(3 * FRESH) / TRIES_ONE_OF} tries to send, stake or get it twice went through`,
  };
}
