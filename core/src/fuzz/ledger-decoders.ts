/**
 * For the fuzzer: leaves of a log, and copies of a ledger. Whatever a leaf says, credits are neither made nor lost; its
 * signatures count as good here, so that the fuzzer gets past them.
 */
import type { PeerId } from '../base/ids.ts';
import { EPOCH_MS, epochOf } from '../ledger/emission.ts';
import { readEvent, writeEvent } from '../ledger/event.ts';
import { apply, sizeOf } from '../ledger/projection.ts';
import { allBalances } from '../ledger/readers.ts';
import { restore, snapshot } from '../ledger/snapshot.ts';
import { MemoryState } from '../ledger/state.ts';
import { LedgerWorld, paperPeer, START_MS } from '../testing/ledger-world.ts';
import { canonical } from '../wire/canonical.ts';
import type { FuzzTarget } from './fuzz.ts';
import { checkRefusal, refusable } from './refusal.ts';
import { bytesOf, textOf } from './utf8.ts';

const [ada, bob] = [paperPeer(1), paperPeer(2)];
const FUNDS = 5_000_000;

export async function ledgerDecoders(): Promise<FuzzTarget[]> {
  const { leaves, lines } = await example();
  return [leaf(leaves, lines), copy(lines)];
}

/** Events that may all come next, each after the same state; and that state. */
async function example(): Promise<{ leaves: Uint8Array[]; lines: string[] }> {
  const world = new LedgerWorld(paperPeer(0));
  for (const { peerId } of [ada, bob]) world.fund(peerId, FUNDS);
  const lease = await world.lease(1, ada, [bob]);
  const held = { payer: ada.peerId, amount: 1_000_000, untilS: world.seconds + 1_500 };
  world.add({ kind: 'reserve', hold: lease.hold, ...held });
  world.add(await world.acknowledgement(lease, bob, 100));
  // Who has answered somebody is paid for being there.
  world.add(await world.receipt(await world.lease(2, ada, [bob]), bob, 1));
  world.add(await world.order(bob, { kind: 'stake', amount: 1_000_000 }));
  world.ms += EPOCH_MS;
  const reports = [await world.report(lease, bob, paperPeer(3)), await world.report(lease, bob, paperPeer(4))];
  const other = 'cd'.repeat(32);
  const by = (auditors: number[]) =>
    Promise.all(auditors.map((one) => world.report(lease, bob, paperPeer(one), { file: other })));
  const convicted = { provider: bob.peerId, model: lease.leases.model, file: other, reason: 'x' };
  world.add({ kind: 'slash', ...convicted, reports: await by([5, 6]) });
  const three = await by([7, 8, 9]);
  const appealed = await world.order(bob, { kind: 'appeal' });
  if (appealed.kind !== 'order') throw new Error('This is no order.');
  const about = { provider: bob.peerId, file: 'ab'.repeat(32), reason: 'x' };
  const next = [
    { kind: 'reserve', hold: lease.nonceOf(bob), ...held, untilS: world.seconds + 900 } as const,
    await world.receipt(lease, bob, 400),
    { kind: 'refund', hold: lease.hold, payer: ada.peerId } as const,
    { kind: 'uptime', epoch: epochOf(START_MS), shares: [[bob.peerId, 1_000]] } as const,
    {
      kind: 'storage',
      epoch: epochOf(START_MS),
      shares: [[bob.peerId, 1_000, await world.storageReport(bob, ada)]],
    } as const,
    { kind: 'audit-fee', report: reports[0]! } as const,
    { kind: 'allowance', to: bob.peerId } as const,
    { kind: 'grant', to: bob.peerId, amount: 5, reason: 'x' } as const,
    await world.order(ada, { kind: 'transfer', to: bob.peerId, amount: 7 }),
    { kind: 'slash', ...about, model: lease.leases.model, reports } as const,
    { kind: 'reverse', ...about, leases: [lease.nonceOf(bob)], undo: false } as const,
    {
      kind: 'appeal',
      provider: bob.peerId,
      file: other,
      upheld: true,
      order: appealed.record,
      reports: three,
    } as const,
  ];
  const leaves = next.map((body) => writeEvent({ ...body, ms: world.ms }));
  return { leaves, lines: [...snapshot(world.state)] };
}

function leaf(leaves: readonly Uint8Array[], lines: readonly string[]): FuzzTarget {
  const hold = new Uint8Array(16).fill(3);
  return {
    name: 'leaf of the ledger',
    weight: 5,
    seeds: leaves,
    values: [
      [1, START_MS + EPOCH_MS, 'reserve', hold, ada.peerId, 1_000, (START_MS + EPOCH_MS) / 1_000 + 60],
      [1, START_MS + EPOCH_MS, 'uptime', epochOf(START_MS), [[bob.peerId, 1_000]]],
      [1, START_MS + EPOCH_MS, 'grant', bob.peerId, 1, ''],
    ],
    write: (value) => canonical(value as readonly unknown[]),
    run: async (input) => {
      const event = readEvent(input);
      if (event === null) return false;
      if (writeEvent(event).join() !== input.join())
        throw new Error('a leaf was accepted that is not written the one way');
      const state = new MemoryState();
      await restore(lines, state);
      return refusable(() => {
        apply(state, event, sizeOf(state), () => true);
        checkSound(state);
        return true;
      });
    },
  };
}

function checkSound(state: MemoryState): void {
  let sum = 0;
  for (const [account, amount] of allBalances(state)) {
    sum += amount;
    if (amount < 0 && account !== 'emission') throw new Error(`${account} owes`);
  }
  if (sum !== 0) throw new Error('credits were made or lost');
}

function copy(lines: readonly string[]): FuzzTarget {
  const accountLine = JSON.stringify([`a/free:${'a'.repeat(32) as PeerId}`, 7]);
  return {
    name: 'copy of a ledger',
    weight: 5,
    seeds: [bytesOf(lines.join('\n')), bytesOf(accountLine)],
    run: async (input) => {
      const state = new MemoryState();
      const text = textOf(input);
      try {
        await restore(text.split('\n'), state);
      } catch (thrown) {
        checkRefusal(thrown);
        return false;
      }
      if ([...snapshot(state)].join('\n') !== text) throw new Error('a copy was read that is not written the one way');
      return true;
    },
  };
}
