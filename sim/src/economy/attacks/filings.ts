/** Attacks with what is filed: units that nobody wrote, twice the same, too late, by somebody else. */
import { inCredits } from '@llmesh/core/ledger/credit';
import { costOf } from '@llmesh/core/policy/price';
import { MAX_LEASE_UNITS, leaseOf, signLeases } from '@llmesh/core/receipts/lease';
import { arena, PRICE, unitsFor, work, type Figure } from '../arena.ts';
import { received } from '../proofs.ts';

const SETTLED_MS = 3_600_000;
const TRIES = 50;
const AFTER_HOLD_MS = 1_500_000;

/** Both ends sign for sixteen million units that nobody wrote; the hold is for what the requester has. */
export async function receiptForNothing(seed: number): Promise<Figure> {
  const place = await arena(seed, 2);
  const { economy, attackers } = place;
  const [requester, provider] = [attackers[0]!, attackers[1]!];
  const start = economy.wealth(attackers);
  const units = unitsFor(place, requester, 1);
  const match = await economy.match(requester, [provider], { maxUnits: units, price: PRICE });
  const overdrawn = await economy.receive(match, provider, MAX_LEASE_UNITS);
  const unheld = await economy.match(requester, [provider], { maxUnits: MAX_LEASE_UNITS, price: PRICE });
  await economy.receive(unheld, provider, MAX_LEASE_UNITS);
  economy.pass(SETTLED_MS);
  return {
    ...{ start, end: economy.wealth(attackers), honest: null },
    note: `${MAX_LEASE_UNITS} units under a hold for ${units}: ${overdrawn ?? 'paid up to the hold'}; without one: ${unheld.funded ? 'held' : 'nothing paid'}`,
  };
}

/** A provider signs the requester's half itself, and makes leases of its own. */
export async function forgedReceipt(seed: number): Promise<Figure> {
  const place = await arena(seed, 1);
  const { economy, attackers, askers } = place;
  const [provider, victim] = [attackers[0]!, askers[0]!];
  const start = economy.wealth(attackers);
  const refused = new Map<string, number>();
  const note = (code: string | null) => refused.set(code ?? 'taken', (refused.get(code ?? 'taken') ?? 0) + 1);
  for (let i = 0; i < TRIES; i++) {
    const match = await economy.match(victim, [provider], { maxUnits: 1_000, price: PRICE });
    const lease = leaseOf(match.leases, provider.id)!;
    const proof = await received(lease, 1_000, provider.identity, provider.identity, economy.ms);
    note(economy.tryPost({ kind: 'earn', lease: match.bytes, proof }));
    const own = await signLeases(match.leases, provider.identity);
    const both = await received(lease, 1_000, victim.identity, provider.identity, economy.ms);
    note(economy.tryPost({ kind: 'earn', lease: own, proof: both }));
  }
  economy.pass(SETTLED_MS);
  return {
    ...{ start, end: economy.wealth(attackers), honest: null },
    note: [...refused].map(([code, count]) => `${count} ${code}`).join(', '),
  };
}

/** The same receipt again and again, an acknowledgement after it, and a second receipt for more. */
export async function doubleFiling(seed: number): Promise<Figure> {
  const place = await arena(seed, 2);
  const { economy, attackers } = place;
  const [requester, provider] = [attackers[0]!, attackers[1]!];
  const start = economy.wealth(attackers);
  const units = unitsFor(place, requester, 0.25);
  const match = await economy.match(requester, [provider], { maxUnits: units, price: PRICE });
  await economy.acknowledge(match, provider, Math.floor(units / 2));
  await economy.receive(match, provider, units);
  const once = economy.wealth(attackers);
  for (let i = 0; i < TRIES; i++) {
    await economy.receive(match, provider, units);
    await economy.acknowledge(match, provider, units);
    await economy.receive(match, provider, units + i);
  }
  economy.pass(SETTLED_MS);
  const end = economy.wealth(attackers);
  return {
    ...{ start, end, honest: await work(place, [units]) },
    note: `${3 * TRIES} more filings moved ${inCredits(end - once)} credits`,
  };
}

/** A provider keeps its receipt until the hold was let go, and the requester has spent what it got back. */
export async function lateFiling(seed: number): Promise<Figure> {
  const place = await arena(seed, 1);
  const { economy, attackers, askers, honest } = place;
  const [provider, asker] = [attackers[0]!, askers[0]!];
  const start = economy.wealth(attackers);
  const before = economy.wealth([asker]);
  const units = unitsFor(place, asker, 1);
  const match = await economy.match(asker, [provider], { maxUnits: units, price: PRICE });
  economy.pass(AFTER_HOLD_MS);
  const given = economy.wealth([asker]) - before;
  await economy.deal(asker, honest[0]!, units, PRICE);
  const filed = await economy.receive(match, provider, units);
  economy.pass(SETTLED_MS);
  return {
    ...{ start, end: economy.wealth(attackers), honest: economy.wealth(honest) },
    note: `the refund gave back all of ${inCredits(costOf(units, PRICE) + given)} credits; they were spent when the receipt came (${filed ?? 'taken, nothing paid'})`,
  };
}
