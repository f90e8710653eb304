import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LedgerWorld, paperPeer } from '../../testing/ledger-world.ts';
import { COUNTERPARTIES } from '../../governance/weight.ts';
import { MICRO } from '../credit.ts';
import { DAY_MS, dayOf } from '../keys.ts';
import { parameter } from '../parameter.ts';
import { closesMs, inForceMs, proposalAt, proposalsOf, standingOf } from '../proposals.ts';
import { peerBalances } from '../readers.ts';
import { sizeOf } from '../projection.ts';
import { restore, snapshot } from '../snapshot.ts';
import { weightAt } from './voting.ts';

const askers = Array.from({ length: COUNTERPARTIES }, (_, i) => paperPeer(i + 1));
const voters = Array.from({ length: 3 }, (_, i) => paperPeer(i + 100));
const [ada, bob, cyd] = voters as [(typeof voters)[0], (typeof voters)[0], (typeof voters)[0]];
const newcomer = paperPeer(200);
let lines: string[];
let startMs: number;
let world: LedgerWorld;

/** Ada, Bob and Cyd answered each asker once, for a credit each time. */
beforeAll(async () => {
  const first = new LedgerWorld(paperPeer(0));
  for (const { peerId } of [...askers, ...voters]) first.fund(peerId, 300 * MICRO);
  for (const [a, asker] of askers.entries()) {
    for (const [v, voter] of voters.entries()) {
      const lease = await first.lease(a * 10 + v, asker, [voter]);
      const hold = { hold: lease.hold, payer: asker.peerId, untilS: first.seconds + 1_500 };
      first.add({ kind: 'reserve', ...hold, amount: MICRO });
      first.add(await first.receipt(lease, voter, 1_000));
    }
  }
  first.ms += DAY_MS;
  lines = [...snapshot(first.state)];
  startMs = first.ms;
});

beforeEach(async () => {
  world = new LedgerWorld(paperPeer(0));
  await restore(lines, world.state);
  world.ms = startMs;
});

async function order(by: typeof ada, body: Parameters<LedgerWorld['order']>[1]) {
  world.ms += 1;
  world.add(await world.order(by, body));
}

/** The index of the proposal. */
async function propose(by = ada, value = 30): Promise<number> {
  const index = sizeOf(world.state);
  await order(by, { kind: 'propose', parameter: 'audit-share', value });
  return index;
}

describe('a proposal', () => {
  it('that passes is carried out two days after its vote, everywhere at once', async () => {
    const proposal = await propose();
    expect(peerBalances(world.state, ada.peerId).unbonding).toBe(100 * MICRO);
    for (const voter of [ada, bob]) await order(voter, { kind: 'vote', proposal, choice: 'yes' });
    await order(cyd, { kind: 'vote', proposal, choice: 'no' });
    const enact = { kind: 'enact', proposal } as const;
    expect(() => world.add(enact)).toThrow('no effect yet');
    const known = proposalAt(world.state, proposal)!;
    world.ms = closesMs(known);
    await expect(order(bob, { kind: 'vote', proposal, choice: 'no' })).rejects.toThrow('over');
    expect(standingOf(known, world.ms)).toBe('passed');
    world.ms = inForceMs(known);
    expect(parameter(world.state, 'audit-share')).toBe(20);
    world.add(enact);
    expect(parameter(world.state, 'audit-share')).toBe(30);
    expect(() => world.add(enact)).toThrow('in force already');
    await expect(propose(bob, 40)).rejects.toThrow('last 30 days');
    expect(proposalsOf(world.state)).toMatchObject([{ index: proposal, inForce: true, ballots: 3 }]);
  });

  it('that does not pass changes nothing, and a later ballot replaces an earlier one', async () => {
    const proposal = await propose();
    await order(ada, { kind: 'vote', proposal, choice: 'yes' });
    await order(bob, { kind: 'vote', proposal, choice: 'yes' });
    await order(bob, { kind: 'vote', proposal, choice: 'no' });
    const { tally, ballots, cap } = proposalAt(world.state, proposal)!;
    expect({ ...tally, ballots }).toEqual({ yes: cap, no: cap, abstain: 0, ballots: 2 });
    world.ms = inForceMs(proposalAt(world.state, proposal)!);
    expect(() => world.add({ kind: 'enact', proposal })).toThrow('not passed');
  });

  it('that nobody voted on does not pass', async () => {
    const proposal = await propose();
    world.ms = inForceMs(proposalAt(world.state, proposal)!);
    expect(() => world.add({ kind: 'enact', proposal })).toThrow('not passed');
  });

  it('is refused beyond its bounds, without a vote, without the stake, and while another of one’s own is open', async () => {
    await expect(propose(ada, 31)).rejects.toThrow('at most 10');
    await expect(propose(ada, 20)).rejects.toThrow('20 already');
    await expect(propose(newcomer)).rejects.toThrow('no vote in this yet');
    await expect(order(ada, { kind: 'propose', parameter: 'supply', value: 1 })).rejects.toThrow('no parameter supply');
    await order(bob, { kind: 'transfer', to: ada.peerId, amount: 300 * MICRO });
    await expect(propose(bob)).rejects.toThrow('takes 100 credits');
    await propose();
    await expect(propose()).rejects.toThrow('still open');
  });
});

describe('the weight of a vote', () => {
  it('comes from what others paid, not from credits one was given, and counts from the next day on', async () => {
    await order(ada, { kind: 'transfer', to: newcomer.peerId, amount: 200 * MICRO });
    const day = dayOf(world.ms);
    expect(weightAt(world.state, newcomer.peerId, day + 1)).toBe(0);
    expect(weightAt(world.state, ada.peerId, day)).toBe((COUNTERPARTIES * 700_000) / 1_000);
    expect(weightAt(world.state, ada.peerId, day - 1)).toBe(0);
    expect(weightAt(world.state, ada.peerId, day + 91)).toBe(0);
  });

  it('does not change while a vote is under way', async () => {
    const proposal = await propose();
    const lease = await world.lease(999, askers[0]!, [ada]);
    const hold = { hold: lease.hold, payer: askers[0]!.peerId, untilS: world.seconds + 1_500 };
    world.add({ kind: 'reserve', ...hold, amount: MICRO });
    world.add(await world.receipt(lease, ada, 1_000));
    world.ms += DAY_MS;
    const { openedMs } = proposalAt(world.state, proposal)!;
    expect(weightAt(world.state, ada.peerId, dayOf(openedMs))).toBe((COUNTERPARTIES * 700_000) / 1_000);
  });
});
