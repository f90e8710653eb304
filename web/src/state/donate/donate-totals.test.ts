import { newPeerId } from '@llmesh/core/base/ids';
import { expect, it } from 'vitest';
import { DonateTotals } from './donate-totals.svelte.ts';
import { MemoryStore } from '../store.ts';

const NOON = new Date(2026, 2, 6, 12).getTime();
const DAY_MS = 86_400_000;

function setUp(store = new MemoryStore()) {
  const time = { now: NOON };
  const totals = new DonateTotals({
    store,
    now: () => time.now,
    failed: (error) => {
      throw error;
    },
  });
  return { store, time, totals };
}

it('counts tokens, answers and each person once a day', () => {
  const { totals } = setUp();
  const [a, b] = [newPeerId(), newPeerId()];
  totals.add(10, 0, [a]);
  totals.add(5, 1, [a, b]);
  expect(totals.today).toMatchObject({ name: 'Fri', tokens: 15, answers: 1, people: 2, today: true });
});

it('keeps the days, and survives a visit', async () => {
  const { store, time, totals } = setUp();
  totals.add(10, 1, [newPeerId()]);
  time.now += DAY_MS;
  totals.add(7, 1, []);
  const again = setUp(store);
  again.time.now = time.now;
  await again.totals.restore();
  expect(again.totals.today).toMatchObject({ name: 'Sat', tokens: 7 });
  expect(again.totals.week.map(({ tokens }) => tokens)).toEqual([0, 0, 0, 0, 0, 10, 7]);
  expect(again.totals.all).toMatchObject({ tokens: 17, answers: 2 });
  expect(again.totals.all.since?.getDate()).toBe(6);
});

it('ignores what it cannot read', async () => {
  const { store } = setUp();
  await store.set([['given:2026-03-05', { tokens: 'many' }]]);
  const { totals } = setUp(store);
  await totals.restore();
  expect(totals.all).toMatchObject({ since: null, tokens: 0 });
});
