import { expect, it } from 'vitest';
import { mornings } from './mornings.ts';

const mesh = { seed: 5, days: 10, models: 3, lenders: 2 };

it('a model that is loaded before it is asked for makes nobody wait; the same seed is the same mesh', async () => {
  const without = await mornings({ ...mesh, forecast: false });
  const foreseen = await mornings({ ...mesh, forecast: true });
  expect(foreseen.questions).toBe(without.questions);
  expect(foreseen.firstTokenMs.p95).toBeLessThan(without.firstTokenMs.p95);
  expect(foreseen.waited).toBeLessThan(without.waited / 2);
  // What it costs is memory, and not all of the day.
  expect(foreseen.loadedHoursADay).toBeGreaterThan(without.loadedHoursADay);
  expect(foreseen.loadedHoursADay).toBeLessThan(12);
  expect(await mornings({ ...mesh, forecast: true })).toEqual(foreseen);
});
