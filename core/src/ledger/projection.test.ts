import { describe, expect, it } from 'vitest';
import { LedgerWorld, peerOf } from '../testing/ledger-world.ts';
import { MICRO } from './credit.ts';
import { balanceOf, peerBalances } from './readers.ts';
import { DAY_MS } from './keys.ts';

const ada = peerOf(1);
const bob = peerOf(2);
const eve = peerOf(3);

async function funded(amount = 2 * MICRO) {
  const world = new LedgerWorld();
  world.fund(ada.peerId, amount);
  const lease = await world.lease(1, ada, [bob, eve]);
  const reserve = { kind: 'reserve', hold: lease.hold, payer: ada.peerId, untilS: world.seconds + 1_500 } as const;
  world.add({ ...reserve, amount: MICRO });
  return { world, lease };
}

describe('an answer', () => {
  it('is paid by what was put aside for it, and the rest goes back', async () => {
    const { world, lease } = await funded();
    expect(peerBalances(world.state, ada.peerId)).toMatchObject({ free: MICRO, held: MICRO });
    const postings = world.add(await world.receipt(lease, bob, 400));
    expect(postings.reduce((sum, { amount }) => sum + amount, 0)).toBe(0);
    expect(peerBalances(world.state, ada.peerId)).toMatchObject({ free: 1_600_000, held: 0 });
    // 70 % and the reward of 5 %; 20 %; 10 %.
    expect(balanceOf(world.state, `free:${bob.peerId}`)).toBe(280_000 + 20_000);
    expect(balanceOf(world.state, 'auditors')).toBe(80_000);
    expect(balanceOf(world.state, 'treasury')).toBe(40_000);
    expect(postings).toContainEqual({ account: `free:${bob.peerId}`, amount: 20_000, reason: 'task-reward' });
  });

  it('that was handed over pays both, the first one also when its acknowledgement comes last', async () => {
    const first = await funded();
    first.world.add(await first.world.acknowledgement(first.lease, bob, 100));
    first.world.add(await first.world.receipt(first.lease, eve, 300));
    const last = await funded();
    last.world.add(await last.world.receipt(last.lease, eve, 300));
    last.world.ms += 20 * DAY_MS;
    last.world.add(await last.world.acknowledgement(last.lease, bob, 100));
    for (const { world } of [first, last]) {
      expect(balanceOf(world.state, `free:${bob.peerId}`)).toBe(75_000);
      expect(balanceOf(world.state, `free:${eve.peerId}`)).toBe(225_000);
      expect(balanceOf(world.state, `free:${ada.peerId}`)).toBe(1_600_000);
    }
  });

  it('is paid the difference when a fuller proof of it comes, and nothing for the same again', async () => {
    const { world, lease } = await funded();
    world.add(await world.acknowledgement(lease, bob, 100));
    const less = await world.acknowledgement(lease, bob, 100);
    expect(() => world.add(less)).toThrow('filed already');
    world.add(await world.receipt(lease, bob, 400));
    expect(balanceOf(world.state, `free:${bob.peerId}`)).toBe(300_000);
    const again = await world.receipt(lease, bob, 500);
    expect(() => world.add(again)).toThrow('filed already');
  });

  it('costs no more than was put aside, however much was delivered', async () => {
    const { world, lease } = await funded();
    world.add(await world.receipt(lease, bob, 5_000));
    expect(peerBalances(world.state, ada.peerId)).toMatchObject({ free: MICRO, held: 0 });
  });

  it('is free where nothing was put aside', async () => {
    const world = new LedgerWorld();
    const lease = await world.lease(1, ada, [bob]);
    expect(world.add(await world.receipt(lease, bob, 400))).toEqual([]);
  });

  it('that an allowance pays for is no income for anyone', async () => {
    const world = new LedgerWorld();
    world.add({ kind: 'allowance', to: ada.peerId });
    expect(() => world.add({ kind: 'allowance', to: ada.peerId })).toThrow('has had');
    const lease = await world.lease(1, ada, [bob]);
    world.add({ kind: 'reserve', hold: lease.hold, payer: ada.peerId, amount: MICRO, untilS: world.seconds + 1_500 });
    world.add(await world.receipt(lease, bob, 400));
    expect(peerBalances(world.state, ada.peerId)).toMatchObject({ allowance: 4_600_000, held: 0, free: 0 });
    expect(balanceOf(world.state, `free:${bob.peerId}`)).toBe(0);
    expect(balanceOf(world.state, 'emission')).toBe(-4_600_000);
  });
});

describe('a hold', () => {
  it('goes back when its time is over, and not before', async () => {
    const { world, lease } = await funded();
    const refund = { kind: 'refund', hold: lease.hold, payer: ada.peerId } as const;
    expect(() => world.add(refund)).toThrow('for longer');
    world.ms += 1_500_000;
    expect(() => world.add({ ...refund, payer: bob.peerId })).toThrow('Somebody else');
    world.add(refund);
    expect(peerBalances(world.state, ada.peerId)).toMatchObject({ free: 2 * MICRO, held: 0 });
    expect(() => world.add(refund)).toThrow('any more');
  });

  it('takes no more than there is', async () => {
    const { world } = await funded();
    const other = await world.lease(2, ada, [bob]);
    const reserve = { kind: 'reserve', hold: other.hold, payer: ada.peerId, untilS: world.seconds + 60 } as const;
    expect(() => world.add({ ...reserve, amount: MICRO + 1 })).toThrow('1.000001 credits, and 1 are there');
  });
});

describe('an order', () => {
  it('moves credits once', async () => {
    const world = new LedgerWorld();
    world.fund(ada.peerId, MICRO);
    const order = await world.order(ada, { kind: 'transfer', to: bob.peerId, amount: 400_000 });
    world.add(order);
    expect(() => world.add(order)).toThrow('carried out already');
    expect(balanceOf(world.state, `free:${bob.peerId}`)).toBe(400_000);
    world.ms += 600_001;
    expect(() => world.add(order)).toThrow('too old');
    const more = await world.order(ada, { kind: 'transfer', to: bob.peerId, amount: 600_001 });
    expect(() => world.add(more)).toThrow('you have 0.6');
  });

  it('stakes, and what is unstaked is free two weeks later', async () => {
    const world = new LedgerWorld();
    world.fund(ada.peerId, MICRO);
    world.add(await world.order(ada, { kind: 'stake', amount: MICRO }));
    world.add(await world.order(ada, { kind: 'unstake', amount: 300_000 }, world.ms + 1));
    expect(peerBalances(world.state, ada.peerId)).toMatchObject({ stake: 700_000, unbonding: 300_000, free: 0 });
    const release = { kind: 'release', peer: ada.peerId } as const;
    expect(() => world.add(release)).toThrow('yet');
    world.ms += 15 * DAY_MS;
    world.add(release);
    expect(peerBalances(world.state, ada.peerId)).toMatchObject({ stake: 700_000, unbonding: 0, free: 300_000 });
  });
});
