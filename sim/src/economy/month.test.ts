/** A small mesh of some days. `npm run sim -- --economy` simulates a month of a larger one. */
import { expect, it } from 'vitest';
import { month } from './month.ts';

it('honest people are answered, with credits and without, sooner with them; newcomers chat at once', async () => {
  const figures = await month({ seed: 1, peers: 40, days: 8, questions: 8 });
  expect(figures.firstPaid).toBe(1);
  expect(figures.left).toBeLessThan(figures.answers / 100);
  expect(figures.unfunded.answers).toBeGreaterThan(0);
  expect(figures.funded.mean).toBeLessThan(figures.unfunded.mean);
  // Who only asks pays with nothing but what it was given, and has no credits of its own.
  expect(figures.credits.askers).toBe(0);
  expect(figures.credits.volunteers).toBeGreaterThan(figures.credits.both);
});
