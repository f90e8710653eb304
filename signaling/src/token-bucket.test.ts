import { expect, test } from 'vitest';
import { HandClock } from './testing/hand-clock.ts';
import { TokenBucket } from './token-bucket.ts';

test('gives its burst at once, then its rate, and never saves more than its burst', () => {
  const clock = new HandClock();
  const bucket = new TokenBucket(clock, { perSecond: 2, burst: 3 });
  expect([1, 1, 1, 1].map((cost) => bucket.take(cost))).toEqual([true, true, true, false]);
  clock.turn(500);
  expect([1, 1].map((cost) => bucket.take(cost))).toEqual([true, false]);
  clock.turn(60_000);
  expect(bucket.full).toBe(true);
  expect([3, 1].map((cost) => bucket.take(cost))).toEqual([true, false]);
});
