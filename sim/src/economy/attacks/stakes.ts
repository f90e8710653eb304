/** Attacks around stake and conviction. */
import { inCredits } from '@llmesh/core/ledger/credit';
import { accountOf } from '@llmesh/core/ledger/account';
import { leaseOf } from '@llmesh/core/receipts/lease';
import { arena, PRICE, unitsFor, type Arena, type Figure } from '../arena.ts';
import { MODEL, type Match } from '../economy.ts';
import type { EconomyPeer } from '../economy-peer.ts';
import { FILE, reportOn } from '../reports.ts';

const SETTLED_MS = 3_600_000;
const DAY_MS = 86_400_000;
const UNBONDING_DAYS = 14;
const CYCLES = 5;

/** As the control plane does when two independent auditors have convicted. */
async function convict({ economy, honest }: Arena, match: Match, provider: EconomyPeer): Promise<void> {
  const reports = await Promise.all(
    honest.slice(0, 2).map((auditor) => reportOn(match, provider, auditor, economy.random)),
  );
  const about = { provider: provider.id, file: FILE, reason: 'Another model wrote these answers.' };
  economy.tryPost({ kind: 'slash', ...about, model: MODEL, reports });
  economy.tryPost({ kind: 'reverse', ...about, leases: [leaseOf(match.leases, provider.id)!.nonce], undo: false });
}

function pardon({ economy }: Arena, match: Match, provider: EconomyPeer): string | null {
  const leases = [leaseOf(match.leases, provider.id)!.nonce];
  return economy.tryPost({ kind: 'reverse', provider: provider.id, leases, undo: true, file: FILE, reason: '' });
}

/** A cheat takes its stake back before it is convicted, stakes it again afterwards, and so on. */
export async function stakeCycling(seed: number): Promise<Figure> {
  const place = await arena(seed, 2);
  const { economy, attackers } = place;
  const [cheat, friend] = attackers as [EconomyPeer, EconomyPeer];
  const start = economy.wealth(attackers);
  let slashed = 0;
  for (let i = 0; i < CYCLES; i++) {
    await economy.order({ kind: 'stake', amount: Math.floor(economy.balance(accountOf('free', cheat.id)) / 2) }, cheat);
    const match = await economy.deal(friend, cheat, Math.max(1, unitsFor(place, friend, 0.1)), PRICE);
    await economy.order({ kind: 'unstake', amount: economy.balance(accountOf('stake', cheat.id)) }, cheat);
    const before = economy.wealth([cheat]);
    await convict(place, match, cheat);
    slashed += before - economy.wealth([cheat]);
    for (let day = 0; day <= UNBONDING_DAYS; day++) economy.pass(DAY_MS);
    economy.tryPost({ kind: 'release', peer: cheat.id });
  }
  return {
    ...{ start, end: economy.wealth(attackers), honest: economy.wealth(place.honest) },
    note: `unstaked before each of ${CYCLES} convictions, it lost ${inCredits(slashed)} credits by them`,
  };
}

/** A pair has its own answers convicted, so that the requester is paid back, when the provider has sent its earnings away. */
export async function convictOneself(seed: number): Promise<Figure> {
  const place = await arena(seed, 3);
  const { economy, attackers } = place;
  const [requester, provider, vault] = attackers as [EconomyPeer, EconomyPeer, EconomyPeer];
  const start = economy.wealth(attackers);
  for (let i = 0; i < CYCLES; i++) {
    const match = await economy.deal(requester, provider, Math.max(1, unitsFor(place, requester, 0.3)), PRICE);
    const away = economy.balance(accountOf('free', provider.id));
    await economy.order({ kind: 'transfer', to: vault.id, amount: Math.max(1, away) }, provider);
    await convict(place, match, provider);
  }
  economy.pass(SETTLED_MS);
  return {
    ...{ start, end: economy.wealth(attackers), honest: null },
    note: `${CYCLES} answers, each provider empty when it was convicted`,
  };
}

/** Conviction, appeal won, conviction, appeal won, with the credits moved in between. */
export async function appealCycling(seed: number): Promise<Figure> {
  const place = await arena(seed, 3);
  const { economy, attackers } = place;
  const [requester, provider, vault] = attackers as [EconomyPeer, EconomyPeer, EconomyPeer];
  const start = economy.wealth(attackers);
  await economy.order({ kind: 'stake', amount: unitsFor(place, provider, 0.3) }, provider);
  const match = await economy.deal(requester, provider, Math.max(1, unitsFor(place, requester, 0.3)), PRICE);
  let pardons = 0;
  for (let i = 0; i < CYCLES; i++) {
    await convict(place, match, provider);
    // What the requester got back is gone before the appeal is won.
    const back = economy.balance(accountOf('free', requester.id));
    await economy.order({ kind: 'transfer', to: vault.id, amount: Math.max(1, back) }, requester);
    for (let again = 0; again < 3; again++) if (pardon(place, match, provider) === null) pardons += 1;
  }
  economy.pass(SETTLED_MS);
  return {
    ...{ start, end: economy.wealth(attackers), honest: null },
    note: `${pardons} of ${3 * CYCLES} pardons went through`,
  };
}
