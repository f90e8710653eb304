import { expect, it } from 'vitest';
import { ManualClock } from '../testing/manual-clock.ts';
import { clockWords, ServerTime } from './server-time.ts';

it('runs on from what was heard halfway between question and answer', async () => {
  const clock = new ManualClock();
  const time = new ServerTime(clock);
  expect(time.nowMs).toBeNull();
  const askedMs = clock.now();
  await clock.advance(400);
  time.heard(1_000_000, askedMs);
  expect(time.nowMs).toBe(1_000_200);
  await clock.advance(5_000);
  expect(time.nowMs).toBe(1_005_200);
  // The first server was corrected, and the second does not tell its time.
  time.heard(7, clock.now());
  expect(time.nowMs).toBe(7);
  time.heard(undefined, clock.now());
  expect(time.nowMs).toBeNull();
});

it('is corrected by what is said in passing, when that is more than a delay', async () => {
  const clock = new ManualClock();
  const time = new ServerTime(clock);
  time.heard(1_000_000, clock.now());
  time.overheard(990_000);
  expect(time.nowMs).toBe(1_000_000);
  time.overheard(4_600_000);
  expect(time.nowMs).toBe(4_600_000);
  time.overheard(1_000_000);
  await clock.advance(3);
  expect(time.nowMs).toBe(1_000_003);
});

it.each([
  [60_000, null],
  [-60_000, null],
  [61_000, 'is a minute ahead of'],
  [-90_000, 'is 2 minutes behind'],
  [300_000, 'is 5 minutes ahead of'],
  [7_200_000, 'is 2 hours ahead of'],
  [-86_400_000, 'is 24 hours behind'],
  [31_536_000_000, 'is 365 days ahead of'],
  [-1_790_000_000_000, 'is 57 years behind'],
])('a clock that is %i ms off: %s', (offMs, words) => {
  const said = clockWords(1_800_000_000_000 + offMs, 1_800_000_000_000);
  if (words === null) expect(said).toBeNull();
  else expect(said).toContain(words);
  expect(clockWords(offMs, null)).toBeNull();
});
