import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { ContentId } from '@llmesh/core/base/ids';
import type { SwarmFigures } from '@llmesh/core/models/swarm-port';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { expect, it } from 'vitest';
import { MemoryStore } from '../../store.ts';
import { Sharing } from './sharing.svelte.ts';

const MODEL = { id: 'm', name: 'Model' } as unknown as CatalogueModel;
const CONTENT = 'ab'.repeat(32) as ContentId;
const DAY_MS = 86_400_000;

function figures(toPeers: number): SwarmFigures {
  const totals = { fromPeers: 0, fromWeb: 0, toPeers, wrong: 0 };
  return { fromPeers: 0, fromWeb: 0, toPeers: 0, totals, sentToday: toPeers, fetching: [], seeded: [] };
}

/** A browser: its tabs share what it keeps. */
function setUp() {
  const store = new MemoryStore();
  const clock = new ManualClock();
  const facts = { metered: false, hidden: false, now: 100 * DAY_MS, content: CONTENT as ContentId | null };
  const tab = async () => {
    // Each tab has its own view of what all of them keep.
    const mine = new MemoryStore(store);
    const swarm = {
      seeded: [] as readonly ContentId[],
      figures: figures(0),
      seed: async (contents: readonly ContentId[]) => void (swarm.seeded = contents),
    };
    const sharing = new Sharing({
      ...{ store: mine, clock, now: () => facts.now, metered: () => facts.metered, hidden: () => facts.hidden },
      swarm: async () => swarm,
      contentOf: async () => facts.content,
      failed: (error) => {
        throw error;
      },
    });
    await sharing.restore();
    return { swarm, sharing };
  };
  return { clock, facts, tab };
}

it('nothing is given before something is lent, and nothing after', async () => {
  const { clock, tab } = setUp();
  const { sharing, swarm } = await tab();
  expect([sharing.limits().seeding, sharing.whyNot]).toEqual([false, 'idle']);
  sharing.share(MODEL);
  await clock.advance(0);
  expect([sharing.limits().seeding, sharing.whyNot, swarm.seeded]).toEqual([true, null, [CONTENT]]);
  sharing.share(null);
  expect(sharing.limits().seeding).toBe(false);
  await clock.advance(0);
  expect(swarm.seeded).toEqual([]);
});

it('what is kept for others is given beside what is lent, and also when nothing is', async () => {
  const { clock, tab, facts } = setUp();
  const { sharing, swarm } = await tab();
  const other = 'cd'.repeat(32) as ContentId;
  await sharing.keep([other]);
  expect([sharing.limits().seeding, sharing.whyNot, swarm.seeded]).toEqual([true, null, [other]]);
  sharing.share(MODEL);
  await clock.advance(0);
  expect(swarm.seeded).toEqual([CONTENT, other]);
  // What was given is counted for the day.
  swarm.figures = figures(5);
  await clock.advance(1_000);
  expect(sharing.sent.bytes).toBe(5);
  await sharing.keep([]);
  expect(swarm.seeded).toEqual([CONTENT]);
  await sharing.keep([other]);
  sharing.share(null);
  await clock.advance(0);
  expect(swarm.seeded).toEqual([other]);
  facts.metered = true;
  expect([sharing.allowed, sharing.limits().seeding]).toEqual([false, false]);
});

it('nothing is given before it is known whether the owner allows it', () => {
  const { clock } = setUp();
  const sharing = new Sharing({
    ...{ store: new MemoryStore(), clock, now: () => 0, metered: () => false, hidden: () => false },
    ...{ swarm: async () => null, contentOf: async () => null, failed: () => {} },
  });
  sharing.share(MODEL);
  expect(sharing.limits().seeding).toBe(false);
});

it('a model whose files nobody can check is not said to be shared', async () => {
  const { clock, facts, tab } = setUp();
  const { sharing, swarm } = await tab();
  facts.content = null;
  sharing.share(MODEL);
  await clock.advance(1_000);
  expect([sharing.whyNot, swarm.seeded]).toEqual(['none', []]);
});

it.each([
  ['the owner says no', 'off', (one: Sharing) => void (one.choice.on = false)],
  ['the connection is metered', 'metered', (_: Sharing, facts: { metered: boolean }) => void (facts.metered = true)],
  ['the address is hidden', 'hidden', (_: Sharing, facts: { hidden: boolean }) => void (facts.hidden = true)],
] as const)('nothing is given when %s, from the next piece on', async (_, why, change) => {
  const { clock, facts, tab } = setUp();
  const { sharing } = await tab();
  sharing.share(MODEL);
  await clock.advance(0);
  expect(sharing.limits().seeding).toBe(true);
  change(sharing, facts);
  expect(sharing.limits().seeding).toBe(false);
  await clock.advance(1_000);
  expect(sharing.whyNot).toBe(why);
});

it('the limit of a day is that of all tabs together, and of that day', async () => {
  const { clock, facts, tab } = setUp();
  const [one, other] = [await tab(), await tab()];
  one.sharing.choice.aDay = 'little';
  one.sharing.share(MODEL);
  one.swarm.figures = figures(400e6);
  await clock.advance(1_000);
  expect([one.sharing.sent.bytes, other.sharing.sent.bytes]).toEqual([400e6, 400e6]);
  expect(one.sharing.limits().bytesPerDay).toBe(500e6);
  expect(other.sharing.limits().bytesPerDay).toBe(100e6);
  one.swarm.figures = figures(500e6);
  await clock.advance(1_000);
  expect([one.sharing.whyNot, other.sharing.limits().bytesPerDay]).toEqual(['spent', 0]);
  facts.now += DAY_MS;
  expect([one.sharing.whyNot, other.sharing.limits().bytesPerDay]).toEqual([null, 500e6]);
});
