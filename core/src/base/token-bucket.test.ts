import { expect, test } from 'vitest';
import { ManualClock } from '../testing/manual-clock.ts';
import { TokenBucket } from './token-bucket.ts';

test('gives its burst at once, then its rate, and never saves more than its burst', () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket(clock, { perSecond: 2, burst: 3 });
  expect([1, 1, 1, 1].map((cost) => bucket.take(cost))).toEqual([true, true, true, false]);
  clock.turn(500);
  expect([1, 1].map((cost) => bucket.take(cost))).toEqual([true, false]);
  clock.turn(60_000);
  expect(bucket.full).toBe(true);
  expect([3, 1].map((cost) => bucket.take(cost))).toEqual([true, false]);
});

test('can be overdrawn, and says how long it takes to recover', () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket(clock, { perSecond: 2, burst: 4 });
  expect([4, 1, 3].map((cost) => bucket.overdraw(cost))).toEqual([0, 500, 2000]);
  clock.turn(1_500);
  expect(bucket.take(1)).toBe(false);
  clock.turn(1_000);
  expect(bucket.take(1)).toBe(true);
});
