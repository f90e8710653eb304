/** One small mesh. `npm run sim -- --lookup` makes larger ones. */
import { expect, it } from 'vitest';
import { lookupFigures } from './lookup-figures.ts';

const MESH = { seed: 1, peers: 80, lookups: 60, churn: 0.2, liars: 0.1, sybils: 0.3 };

it('lookups are right though one peer in ten lies, nobody is cut off, and a seed is one mesh', async () => {
  const figures = await lookupFigures(MESH, () => {});
  expect(figures.right).toBe(60);
  expect(figures.victims).toBeGreaterThan(40);
  expect(figures.victimsIsolated).toBe(0);
  expect(await lookupFigures(MESH, () => {})).toEqual(figures);
});

it('where nearly everybody lies, peers are cut off, and the figures say so', async () => {
  const { victims, victimsIsolated } = await lookupFigures({ ...MESH, lookups: 1, sybils: 0.95 }, () => {});
  expect(victimsIsolated).toBeGreaterThan(0);
  expect(victimsIsolated).toBeLessThanOrEqual(victims);
});
