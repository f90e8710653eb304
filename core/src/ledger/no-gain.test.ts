/** What paid once, until the rules made it cost something: `npm run sim -- --economy` has the figures. */
import { expect, it } from 'vitest';
import { LedgerWorld, peerOf } from '../testing/ledger-world.ts';
import { MICRO } from './credit.ts';
import { DAY_MS, dayOf } from './keys.ts';
import { balanceOf } from './readers.ts';
import { weightAt } from './rules/voting.ts';

const ada = peerOf(1);
const bob = peerOf(2);
const eve = peerOf(3);

/** Ada's answer from Bob, for so many credits. */
async function paid(credits: number, price = MICRO) {
  const world = new LedgerWorld();
  world.fund(ada.peerId, credits * MICRO);
  const lease = await world.lease(1, ada, [bob], { price });
  if (price > 0) {
    const hold = { kind: 'reserve', hold: lease.hold, payer: ada.peerId, untilS: world.seconds + 1_500 } as const;
    world.add({ ...hold, amount: credits * MICRO });
  }
  world.add(await world.receipt(lease, bob, credits * 1_000));
  return { world, lease };
}

it('checks of an answer are paid by what the answers of its provider put aside for them', async () => {
  const { world, lease } = await paid(1);
  // Others have paid for checks, too.
  world.state.set('a/auditors', 100 * MICRO);
  let fees = 0;
  for (const auditor of [3, 4, 5, 6, 7].map(peerOf)) {
    const report = await world.report(lease, bob, auditor);
    try {
      world.add({ kind: 'audit-fee', report });
    } catch (error) {
      expect(error).toMatchObject({ code: 'credits_short' });
    }
    fees += balanceOf(world.state, `free:${auditor.peerId}`);
  }
  expect(fees).toBe(200_000);
});

it('nobody is paid for checks of an answer that was free', async () => {
  const { world, lease } = await paid(1, 0);
  world.state.set('a/auditors', 100 * MICRO);
  const report = await world.report(lease, bob, eve);
  expect(() => world.add({ kind: 'audit-fee', report })).toThrow('put nothing aside');
});

it('who is convicted and pardoned gets from the requester what that got back, and nothing of it from the treasury', async () => {
  const { world, lease } = await paid(1);
  world.state.set('a/treasury', 100 * MICRO);
  const about = { provider: bob.peerId, leases: [lease.nonceOf(bob)], file: 'ab'.repeat(32), reason: '' };
  world.add({ kind: 'reverse', ...about, undo: false });
  expect(balanceOf(world.state, `free:${ada.peerId}`)).toBe(700_000);
  world.add(await world.order(ada, { kind: 'transfer', to: eve.peerId, amount: 600_000 }));
  world.add({ kind: 'reverse', ...about, undo: true });
  expect(balanceOf(world.state, 'treasury')).toBe(100 * MICRO);
  expect(balanceOf(world.state, `free:${ada.peerId}`)).toBe(0);
  // The reward comes from emission again.
  expect(balanceOf(world.state, `free:${bob.peerId}`)).toBe(100_000 + 50_000);
});

it('credits that go round in a circle weigh nothing in a vote; those that were earned and kept do', async () => {
  const world = new LedgerWorld();
  const ring = [1, 2, 3, 4, 5, 6].map(peerOf);
  const honest = peerOf(7);
  for (const peer of ring) world.fund(peer.peerId, 20 * MICRO);
  let seed = 0;
  const pay = async (from: (typeof ring)[0], to: (typeof ring)[0]) => {
    const lease = await world.lease(++seed, from, [to]);
    const hold = { kind: 'reserve', hold: lease.hold, payer: from.peerId, untilS: world.seconds + 1_500 } as const;
    world.add({ ...hold, amount: MICRO });
    world.add(await world.receipt(lease, to, 1_000));
  };
  for (const from of ring) for (const to of ring) if (from !== to) await pay(from, to);
  for (const from of ring.slice(0, 5)) await pay(from, honest);
  world.ms += DAY_MS;
  const weight = ({ peerId }: (typeof ring)[0]) => weightAt(world.state, peerId, dayOf(world.ms));
  expect(ring.map(weight)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(weight(honest)).toBe(3_500);
  world.add(await world.order(honest, { kind: 'transfer', to: ada.peerId, amount: 2 * MICRO }));
  world.ms += DAY_MS;
  expect(weight(honest)).toBe(1_500);
  // Sending back and forth makes nothing of it.
  expect(weight(ada)).toBe(0);
});
