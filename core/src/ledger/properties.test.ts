import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeshError } from '../base/errors.ts';
import { Commander, commands, type Command } from '../testing/ledger-commands.ts';
import { LedgerWorld, paperPeer } from '../testing/ledger-world.ts';
import { MICRO, SUPPLY } from './credit.ts';
import { epochOf, scheduled } from './emission.ts';
import { ALLOWANCES, holdKey, TASKS, unbondingKey } from './keys.ts';
import { allBalances, balanceOf, peerBalances } from './readers.ts';
import { digestOf } from './snapshot.ts';
import { MemoryState, type StateValue } from './state.ts';

const peers = Array.from({ length: 5 }, (_, i) => paperPeer(i + 1));
const FUNDS = 3 * MICRO;

/** It knows how often it was changed. */
class CountedState extends MemoryState {
  writes = 0;

  override set(key: string, value: StateValue | undefined): void {
    this.writes += 1;
    super.set(key, value);
  }
}

class CountedWorld extends LedgerWorld {
  declare readonly state: CountedState;

  constructor() {
    super(paperPeer(0), new CountedState());
  }
}

function newWorld(funded = peers): CountedWorld {
  const world = new CountedWorld();
  for (const { peerId } of funded) world.fund(peerId, FUNDS);
  return world;
}

/** Carries out what is allowed; what is not leaves no trace. Tells the kinds that were. */
async function run(world: CountedWorld, all: readonly Command[], { commander = new Commander(world, peers) } = {}) {
  const done = new Set<string>();
  for (const command of all) {
    const body = await commander.eventOf(command);
    if (body === null) continue;
    const before = world.state.writes;
    try {
      const postings = world.add(body);
      expect(postings.reduce((sum, { amount }) => sum + amount, 0)).toBe(0);
      done.add(command.what);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(MeshError);
      expect(world.state.writes).toBe(before);
    }
  }
  return done;
}

function expectSound(world: LedgerWorld): void {
  const { state } = world;
  let sum = 0;
  for (const [account, amount] of allBalances(state)) {
    sum += amount;
    if (account !== 'emission') expect(amount).toBeGreaterThanOrEqual(0);
  }
  expect(sum).toBe(0);
  const epochs = epochOf(world.ms) - epochOf(world.events[0]?.ms ?? world.ms) + 1;
  expect(-balanceOf(state, 'emission')).toBeLessThanOrEqual(Math.min(SUPPLY, scheduled(epochs)));
  let allowances = 0;
  const held = new Map<string, number>();
  for (const key of state.keys(holdKey(''))) {
    const [payer, , free, allowance] = state.get(key) as [string, number, number, number];
    held.set(payer, (held.get(payer) ?? 0) + free + allowance);
    allowances += allowance;
  }
  for (const { peerId } of peers) {
    const balances = peerBalances(state, peerId);
    allowances += balances.allowance;
    expect(balances.held).toBe(held.get(peerId) ?? 0);
    const unbonding = (state.get(unbondingKey(peerId)) ?? []) as [number, number][];
    expect(balances.unbonding).toBe(unbonding.reduce((total, [amount]) => total + amount, 0));
  }
  // Whose answers put what aside for checks is known for all of it.
  const checks = [...state.keys('q/')].reduce((total, key) => total + Number(state.get(key)), 0);
  expect(checks).toBe(balanceOf(state, 'auditors'));
  expect(state.get(ALLOWANCES) ?? 0).toBe(allowances);
  expect(Number(state.get(TASKS) ?? 0)).toBeGreaterThanOrEqual(0);
}

describe('whatever happens to a ledger', () => {
  it('nothing is made or lost, nobody owes, and emission keeps to its schedule', async () => {
    const done = new Set<string>();
    await fc.assert(
      fc.asyncProperty(commands(peers.length), async (all) => {
        const world = newWorld();
        for (const what of await run(world, all)) done.add(what);
        expectSound(world);
      }),
      { numRuns: 40, seed: 16 },
    );
    // Otherwise this would show nothing: everything that can be done was.
    expect([...done].sort()).toEqual(
      [
        ...['acknowledgement', 'allowance', 'audit-fee', 'grant', 'receipt', 'refund', 'release', 'reserve'],
        ...['reverse', 'slash', 'stake', 'storage', 'transfer', 'undo', 'unstake', 'uptime'],
      ].sort(),
    );
  });

  it('no event counts twice', async () => {
    const once = [
      'reserve',
      'receipt',
      'acknowledgement',
      'refund',
      'transfer',
      'stake',
      'allowance',
      'uptime',
      'storage',
      'wait',
    ];
    await fc.assert(
      fc.asyncProperty(commands(peers.length, once as Command['what'][]), async (all) => {
        const world = newWorld();
        await run(world, all);
        const before = digestOf(world.state);
        for (const { ms: _, ...body } of [...world.events]) expect(() => world.add(body)).toThrow(MeshError);
        expect(digestOf(world.state)).toBe(before);
      }),
      { numRuns: 12 },
    );
  });

  it('events that have nothing to do with each other lead to the same accounts in any order', async () => {
    const kinds: Command['what'][] = ['reserve', 'receipt', 'acknowledgement', 'transfer', 'stake', 'unstake'];
    const [left, right] = [peers.slice(0, 2), peers.slice(2)];
    await fc.assert(
      fc.asyncProperty(
        commands(left.length, kinds),
        commands(right.length, kinds),
        fc.infiniteStream(fc.boolean()),
        async (ours, theirs, turns) => {
          const inOrder = newWorld();
          await run(inOrder, ours, { commander: new Commander(inOrder, left) });
          await run(inOrder, theirs, { commander: new Commander(inOrder, right, 10_000) });
          const mixed = newWorld();
          const [us, them] = [new Commander(mixed, left), new Commander(mixed, right, 10_000)];
          const [mine, yours] = [[...ours], [...theirs]];
          while (mine.length > 0 || yours.length > 0) {
            const first = yours.length === 0 || (mine.length > 0 && turns.next().value === true);
            await run(mixed, (first ? mine : yours).splice(0, 1), { commander: first ? us : them });
          }
          expect([...allBalances(mixed.state)]).toEqual([...allBalances(inOrder.state)]);
        },
      ),
      { numRuns: 12 },
    );
  });
});

describe('a ring that trades with itself', () => {
  it('never has more than it began with, even if it owns every auditor', async () => {
    const trade: Command['what'][] = [
      'reserve',
      'receipt',
      'acknowledgement',
      'refund',
      'transfer',
      'audit-fee',
      'wait',
    ];
    let paid = 0;
    await fc.assert(
      fc.asyncProperty(commands(peers.length, trade), async (all) => {
        const world = newWorld();
        await run(world, all);
        const has = peers.reduce(
          (sum, { peerId }) => sum + Object.values(peerBalances(world.state, peerId)).reduce((a, b) => a + b, 0),
          0,
        );
        expect(has).toBeLessThanOrEqual(FUNDS * peers.length);
        const fees = balanceOf(world.state, 'treasury');
        if (fees > 0) expect(has).toBeLessThan(FUNDS * peers.length);
        paid += fees;
      }),
      { numRuns: 20 },
    );
    expect(paid).toBeGreaterThan(0);
  });

  it('of newcomers with nothing but their allowances has no credits afterwards', async () => {
    await fc.assert(
      fc.asyncProperty(commands(peers.length), async (all) => {
        const world = newWorld([]);
        await run(
          world,
          all.filter(({ what }) => what !== 'uptime' && what !== 'storage'),
        );
        for (const { peerId } of peers) expect(peerBalances(world.state, peerId)).toMatchObject({ free: 0, stake: 0 });
      }),
      { numRuns: 12 },
    );
  });
});
