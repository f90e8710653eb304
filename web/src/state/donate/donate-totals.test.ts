import { newPeerId } from '@llmesh/core/base/ids';
import { expect, it, vi } from 'vitest';
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
  totals.add({ tokens: 10, answers: 0, audits: 0, peers: [a] });
  totals.add({ tokens: 5, answers: 1, audits: 0, peers: [a, b] });
  expect(totals.today).toMatchObject({ name: 'Fri', tokens: 15, answers: 1, people: 2, today: true });
});

it('keeps the days, and survives a visit', async () => {
  const { store, time, totals } = setUp();
  totals.add({ tokens: 10, answers: 1, audits: 0, peers: [newPeerId()] });
  time.now += DAY_MS;
  totals.add({ tokens: 7, answers: 1, audits: 0, peers: [] });
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
  await store.set([['record/given/2026-03-05', { version: 1, value: { tokens: 'many' } }]]);
  const { totals } = setUp(store);
  await totals.restore();
  expect(totals.all).toMatchObject({ since: null, tokens: 0 });
});

it('adds up what two tabs give at the same time, and shows it in both', async () => {
  const one = setUp();
  const other = setUp(new MemoryStore(one.store));
  const [a, b, c] = [newPeerId(), newPeerId(), newPeerId()];
  await Promise.all([one.totals.restore(), other.totals.restore()]);
  for (let i = 0; i < 4; i++) {
    one.totals.add({ tokens: 3, answers: 0, audits: 0, peers: [a] });
    one.totals.add({ tokens: 7, answers: 1, audits: 0, peers: [a, b] });
    other.totals.add({ tokens: 10, answers: 1, audits: 0, peers: [b, c] });
  }
  await Promise.all([one.totals.settled(), other.totals.settled()]);
  const eight = { tokens: 80, answers: 8, people: 3 };
  await vi.waitFor(() => {
    expect(one.totals.today).toMatchObject(eight);
    expect(other.totals.today).toMatchObject(eight);
  });
  const again = setUp(one.store);
  await again.totals.restore();
  expect(again.totals.today).toMatchObject(eight);
});

it('loses nothing that could not be kept at once', async () => {
  const { store, totals } = setUp();
  const failures: unknown[] = [];
  const unlucky = new DonateTotals({ store, now: () => NOON, failed: (error) => failures.push(error) });
  vi.spyOn(store, 'change').mockRejectedValueOnce(new DOMException('No room.', 'QuotaExceededError'));
  unlucky.add({ tokens: 10, answers: 1, audits: 0, peers: [] });
  await unlucky.settled();
  expect([unlucky.today.answers, failures.length]).toEqual([1, 1]);
  unlucky.add({ tokens: 10, answers: 1, audits: 0, peers: [] });
  await unlucky.settled();
  await totals.restore();
  expect([unlucky.today.answers, totals.today.answers, totals.today.tokens]).toEqual([2, 2, 20]);
});

it('takes over the days of pages before, once', async () => {
  const { store, totals } = setUp();
  const day = { tokens: 5, answers: 1, people: ['x'] };
  await store.set([
    ['given:2026-03-05', day],
    ['given:2026-03-06', day],
  ]);
  await totals.restore();
  totals.add({ tokens: 1, answers: 1, audits: 0, peers: [] });
  await totals.settled();
  // By a page of before that is still open.
  await store.set([['given:2026-03-06', day]]);
  const again = setUp(store);
  await again.totals.restore();
  expect([again.totals.all.tokens, again.totals.today.tokens, await store.list('given:')]).toEqual([11, 6, []]);
});
