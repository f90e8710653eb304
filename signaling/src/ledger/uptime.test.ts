import { describe, expect, it, test } from 'vitest';
import { EPOCH_MS } from '@llmesh/core/ledger/emission';
import { PARAMETERS } from '@llmesh/core/governance/parameters';
import type { PeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { LedgerWorld, someone } from '../testing/ledgers.ts';
import { sharesOf, Uptime } from './uptime.ts';

const [ann, ben, cid] = ['a', 'b', 'c'].map((letter) => letter.repeat(32) as PeerId) as [PeerId, PeerId, PeerId];
const CAP = PARAMETERS['uptime-cap'].initial;

test('a network gets one share, however many volunteers it has, each by its minutes', () => {
  const shares = sharesOf(
    new Map([
      [ann, { network: '1', looks: 60 }],
      [ben, { network: '2', looks: 60 }],
      [cid, { network: '2', looks: 15 }],
    ]),
    () => 0,
  );
  expect(shares).toEqual([
    [ann, 1_000],
    [ben, 500],
    [cid, 125],
  ]);
});

test('who gave no answer for a day is paid for a quarter of the hour', () => {
  const seen = new Map([ann, ben].map((peer) => [peer, { network: peer, looks: 60 }]));
  const idleMs = new Map([
    [ann, 24 * EPOCH_MS],
    [ben, 24 * EPOCH_MS + 1],
  ]);
  expect(sharesOf(seen, (peer) => idleMs.get(peer)!)).toEqual([
    [ann, 1_000],
    [ben, 250],
  ]);
});

describe('an hour', () => {
  async function setUp() {
    const world = new LedgerWorld();
    const ledger = await world.open();
    const clock = new ManualClock();
    const [one, two] = [someone(), someone()];
    for (const provider of [one, two]) {
      const { whole } = await world.papers(someone(), provider);
      await world.file(whole, provider.peerId);
    }
    const startMs = Math.ceil(world.now() / EPOCH_MS) * EPOCH_MS;
    const present = new Set([one.peerId, two.peerId]);
    /** Again: as after a restart. `network`: that of all. */
    const start = (network?: string) =>
      Uptime.open({
        ...{ clock, now: () => startMs + clock.now(), ledger, store: ledger.store },
        present: () => [...present].map((peer) => ({ peer, network: network ?? peer })),
        failed: (error) => world.failures.push(error),
      });
    const uptime = await start();
    /** The ledger's own time keeps up, so that the hour is over for it, too. */
    const pass = async (ms: number) => {
      world.skip(startMs + clock.now() + ms - world.now());
      await clock.advance(ms);
      for (let i = 0; i < 5; i++) await world.clock.advance(10);
    };
    return { world, ledger, uptime, start, present, pass, one: one.peerId, two: two.peerId };
  }

  it('is paid to who was there and answered somebody from elsewhere, once, for the minutes that it was there', async () => {
    const { world, ledger, uptime, present, pass, one, two } = await setUp();
    uptime.proved(one);
    await pass(EPOCH_MS / 2);
    present.delete(one);
    await pass(EPOCH_MS / 2 + 120_000);
    expect(ledger.account(one).free).toBe(CAP / 2);
    // Nobody from another network has signed for an answer of it.
    expect(ledger.account(two).free).toBe(0);
    await pass(EPOCH_MS);
    expect(ledger.account(one).free).toBe(CAP / 2);
    expect(world.failures).toEqual([]);
    await uptime.close();
    await world.close();
  });

  it('has all its minutes after a restart, in the middle of it and after its end', async () => {
    const { world, ledger, uptime, start, present, pass, one } = await setUp();
    uptime.proved(one);
    await pass(EPOCH_MS / 2);
    await uptime.close();
    const second = await start();
    await pass(EPOCH_MS / 2 - 60_000);
    await second.close();
    present.clear();
    await pass(120_000);
    expect(ledger.account(one).free).toBe(0);
    const third = await start();
    await pass(61_000);
    expect(ledger.account(one).free).toBeGreaterThan(0.95 * CAP);
    expect(await ledger.store.seen()).toEqual([]);
    await third.close();
    expect(world.failures).toEqual([]);
    await world.close();
  });

  it('gives a network one share, though some of its volunteers were paid before a restart', async () => {
    const { world, ledger, uptime, start, pass, one, two } = await setUp();
    await uptime.close();
    const first = await start('x');
    first.proved(one);
    first.proved(two);
    await pass(EPOCH_MS - 60_000);
    await first.close();
    const { epoch } = (await ledger.store.seen())[0]!;
    await pass(120_000);
    await world.append({ kind: 'uptime', epoch, shares: [[one, 500]] });
    const second = await start('x');
    await pass(61_000);
    expect(ledger.account(two).free).toBeGreaterThan(0.45 * CAP);
    expect(ledger.account(one).free + ledger.account(two).free).toBeLessThanOrEqual(CAP);
    await second.close();
    expect(world.failures).toEqual([]);
    await world.close();
  });

  it('counts for a week after the last answer', async () => {
    const { world, ledger, uptime, pass, one } = await setUp();
    uptime.proved(one);
    await pass(120_000);
    expect([...(await ledger.store.proved(0)).keys()]).toEqual([one]);
    world.skip(0);
    await uptime.close();
    const clock = new ManualClock();
    const eightDays = world.now() + 8 * 86_400_000;
    const later = await Uptime.open({
      ...{ clock, now: () => eightDays + clock.now(), ledger, store: ledger.store },
      present: () => [{ peer: one, network: 'x' }],
      failed: (error) => world.failures.push(error),
    });
    world.skip(8 * 86_400_000);
    await clock.advance(EPOCH_MS + 120_000);
    expect(ledger.account(one).free).toBe(0);
    expect(world.failures).toEqual([]);
    await later.close();
    await world.close();
  });
});
