import { beforeEach, describe, expect, it } from 'vitest';
import type { EventBody } from '../event.ts';
import { LedgerWorld, peerOf, type LeaseOf } from '../../testing/ledger-world.ts';
import { MICRO } from '../credit.ts';
import { balanceOf, peerBalances } from '../readers.ts';

const [ada, bob, cyd, dan] = [peerOf(1), peerOf(2), peerOf(3), peerOf(4)];
const file = 'ab'.repeat(32);
let world: LedgerWorld;
let lease: LeaseOf;

/** Ada has paid Bob 1 credit for an answer; Bob has staked 2. */
beforeEach(async () => {
  world = new LedgerWorld();
  world.fund(ada.peerId, MICRO);
  world.fund(bob.peerId, 2 * MICRO);
  world.add(await world.order(bob, { kind: 'stake', amount: 2 * MICRO }));
  world.ms += 1;
  lease = await world.lease(1, ada, [bob]);
  world.add({ kind: 'reserve', hold: lease.hold, payer: ada.peerId, amount: MICRO, untilS: world.seconds + 1_500 });
  world.add(await world.receipt(lease, bob, 1_000));
});

const free = (peer = bob) => balanceOf(world.state, `free:${peer.peerId}`);
const about = { provider: bob.peerId, file, reason: '' };
const reversal = (undo: boolean): EventBody => {
  return { kind: 'reverse', ...about, leases: [lease.nonceOf(bob)], undo };
};

describe('an auditor', () => {
  it('is paid once for a report, and nothing when it could not judge, as long as there is something', async () => {
    const report = await world.report(lease, bob, cyd);
    world.add({ kind: 'audit-fee', report });
    expect(free(cyd)).toBe(200_000);
    expect(() => world.add({ kind: 'audit-fee', report })).toThrow('paid for already');
    expect(balanceOf(world.state, 'auditors')).toBe(0);
    const none = { outcome: 'abstained', reason: 'No memory.', mode: null, deviations: new Uint8Array() } as const;
    const other = await world.report(lease, bob, dan, none);
    expect(() => world.add({ kind: 'audit-fee', report: other })).toThrow('says nothing');
    const second = await world.report(lease, bob, dan);
    expect(() => world.add({ kind: 'audit-fee', report: second })).toThrow('put nothing aside');
    const paid = await world.lease(2, ada, [bob]);
    world.fund(ada.peerId, MICRO);
    world.add({ kind: 'reserve', hold: paid.hold, payer: ada.peerId, amount: MICRO, untilS: world.seconds + 1_500 });
    world.add(await world.receipt(paid, bob, 1_000));
    world.add({ kind: 'audit-fee', report: second });
    expect(free(dan)).toBe(200_000);
  });

  it('is paid out of what the answers of that provider put aside, for a free one too', async () => {
    const gift = await world.lease(3, ada, [bob]);
    world.add({ kind: 'audit-fee', report: await world.report(gift, bob, cyd) });
    expect(free(cyd)).toBe(200_000);
    const others = await world.lease(4, ada, [cyd]);
    const report = await world.report(others, cyd, dan);
    expect(() => world.add({ kind: 'audit-fee', report })).toThrow('put nothing aside');
  });

  it('is not the one who got the answer, and judges the one who gave it', async () => {
    const own = await world.report(lease, bob, ada);
    expect(() => world.add({ kind: 'audit-fee', report: own })).toThrow('got the answer');
    const wrong = await world.report(lease, bob, cyd, { provider: dan.peerId });
    expect(() => world.add({ kind: 'audit-fee', report: wrong })).toThrow('Somebody else');
  });
});

describe('a conviction', () => {
  const slash = async (auditors = [cyd, dan]): Promise<EventBody> => {
    const reports = await Promise.all(auditors.map((auditor) => world.report(lease, bob, auditor)));
    return { kind: 'slash', ...about, model: lease.leases.model, reports };
  };

  it('costs a tenth of what is at risk, also of what was unstaked since, once', async () => {
    world.add(await world.order(bob, { kind: 'unstake', amount: 1_900_000 }));
    const event = await slash();
    world.add(event);
    expect(peerBalances(world.state, bob.peerId)).toMatchObject({ stake: 0, unbonding: 1_800_000 });
    expect(balanceOf(world.state, 'treasury')).toBe(100_000 + 200_000);
    expect(() => world.add(event)).toThrow('for that answer already');
    world.ms += 15 * 86_400_000;
    world.add({ kind: 'release', peer: bob.peerId });
    expect(free()).toBe(750_000 + 1_800_000);
  });

  it('needs two auditors, whose reports are about one answer', async () => {
    const [one, same] = [await slash([cyd]), await slash([cyd, cyd])];
    for (const event of [one, same]) expect(() => world.add(event)).toThrow('two auditors');
    const other = await world.lease(9, ada, [bob]);
    const reports = [await world.report(lease, bob, cyd), await world.report(other, bob, dan)];
    const apart: EventBody = { kind: 'slash', ...about, model: lease.leases.model, reports };
    expect(() => world.add(apart)).toThrow('different answers');
  });

  it('takes back what was earned, and an appeal that is won gives it again, and the stake', async () => {
    const before = world.state.get('m/tasks');
    world.add(await slash());
    world.add(reversal(false));
    expect([free(), free(ada)]).toEqual([0, 700_000]);
    expect(Number(world.state.get('m/tasks'))).toBe(Number(before) - 50_000);
    expect(() => world.add(reversal(false))).toThrow('taken back already');
    world.add(reversal(true));
    expect(peerBalances(world.state, bob.peerId)).toMatchObject({ stake: 2 * MICRO, free: 750_000 });
    expect([free(ada), balanceOf(world.state, 'treasury')]).toEqual([0, 100_000]);
    const again = await slash();
    expect(() => world.add(again)).toThrow('already');
  });

  it('takes no more than the provider has, from its stake too', async () => {
    world.add(await world.order(bob, { kind: 'transfer', to: dan.peerId, amount: 750_000 }));
    world.add(reversal(false));
    expect(peerBalances(world.state, bob.peerId)).toMatchObject({ free: 0, stake: 2 * MICRO - 750_000 });
    expect(free(ada)).toBe(700_000);
  });
});

describe('an appeal', () => {
  const five = [5, 6, 7, 8, 9].map(peerOf);
  const decided = async (upheld: boolean, auditors = five, by = bob): Promise<EventBody> => {
    const order = await world.order(by, { kind: 'appeal' });
    if (order.kind !== 'order') throw new Error('This is no order.');
    const reports = await Promise.all(auditors.map((auditor) => world.report(lease, bob, auditor)));
    return { kind: 'appeal', provider: bob.peerId, file, upheld, order: order.record, reports };
  };
  beforeEach(async () => {
    const reports = await Promise.all([cyd, dan].map((auditor) => world.report(lease, bob, auditor)));
    world.add({ kind: 'slash', ...about, model: lease.leases.model, reports });
  });
  const paid = () => five.map((auditor) => free(auditor));
  const FEES = five.map(() => 200_000);

  it('that is lost is paid by who was convicted, of its stake and then of what is free, once', async () => {
    world.add(await decided(true));
    expect(paid()).toEqual(FEES);
    expect(peerBalances(world.state, bob.peerId)).toMatchObject({ stake: 800_000, free: 750_000 });
    const again = await decided(true, [10, 11, 12, 13, 14].map(peerOf));
    expect(() => world.add(again)).toThrow('decided already');
  });

  it('that is lost costs no more than there is, and nobody else pays', async () => {
    world.add(await world.order(bob, { kind: 'transfer', to: dan.peerId, amount: 750_000 }));
    world.state.set(`a/stake:${bob.peerId}`, 300_000);
    const treasury = balanceOf(world.state, 'treasury');
    world.add(await decided(true));
    expect(paid()).toEqual([200_000, 100_000, 0, 0, 0]);
    expect(balanceOf(world.state, 'treasury')).toBe(treasury);
  });

  it('that is won is paid by the treasury, and who was convicted has everything again', async () => {
    world.state.set('a/treasury', 5 * MICRO);
    world.add(reversal(true));
    world.add(await decided(false));
    expect(paid()).toEqual(FEES);
    expect(balanceOf(world.state, 'treasury')).toBe(5 * MICRO - 200_000 - MICRO);
    expect(peerBalances(world.state, bob.peerId)).toMatchObject({ stake: 2 * MICRO, free: 750_000 });
  });

  it('is made by who was convicted, and decided by three others or more who saw nothing of it before', async () => {
    const reasons = await Promise.all([
      decided(true, five, cyd),
      decided(true, five.slice(0, 2)),
      decided(true, [five[0]!, five[0]!, five[1]!, five[2]!]),
      decided(true, [ada, ...five.slice(0, 4)]),
    ]);
    const words = ['has not appealed', 'three auditors', 'three auditors', 'got the answer'];
    reasons.forEach((event, i) => expect(() => world.add(event)).toThrow(words[i]));
    world.add({ kind: 'audit-fee', report: await world.report(lease, bob, five[4]!) });
    const known = await decided(true);
    expect(() => world.add(known)).toThrow('before');
  });

  it('is against a conviction', async () => {
    const other = { ...(await decided(true)), file: 'cd'.repeat(32) };
    expect(() => world.add(other as EventBody)).toThrow('not slashed');
  });
});
