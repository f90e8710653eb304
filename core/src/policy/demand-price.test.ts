import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demandAt, loadOf, MAX_DEMAND_STEP, nextDemand } from './demand-price.ts';
import { PLAIN } from './price.ts';

const bounds = { floor: 500, ceiling: 2_000 };
const load = fc.integer({ min: 0, max: 2_000 });
const demand = fc.integer({ min: bounds.floor, max: bounds.ceiling });

function after(loads: readonly number[], from = PLAIN): number[] {
  const all = [from];
  for (const one of loads) all.push(nextDemand(all.at(-1)!, one, bounds));
  return all;
}

describe('what demand makes of a price', () => {
  it('is less while slots are idle, and more only while people wait', () => {
    expect(demandAt(loadOf({ busy: 0, waiting: 0, slots: 8 }), bounds)).toBe(500);
    expect(demandAt(loadOf({ busy: 2, waiting: 0, slots: 8 }), bounds)).toBe(750);
    for (const busy of [4, 6, 8]) expect(demandAt(loadOf({ busy, waiting: 0, slots: 8 }), bounds)).toBe(PLAIN);
    expect(demandAt(loadOf({ busy: 8, waiting: 4, slots: 8 }), bounds)).toBe(1_500);
    expect(demandAt(loadOf({ busy: 8, waiting: 400, slots: 8 }), bounds)).toBe(2_000);
    expect(demandAt(loadOf({ busy: 0, waiting: 1, slots: 0 }), bounds)).toBe(2_000);
  });

  it('stays within its bounds and moves by small steps towards where the load leads, whatever comes', () => {
    fc.assert(
      fc.property(demand, load, (before, now) => {
        const next = nextDemand(before, now, bounds);
        const target = demandAt(now, bounds);
        expect(Math.abs(next - before)).toBeLessThanOrEqual(MAX_DEMAND_STEP);
        expect(Math.abs(target - next)).toBeLessThanOrEqual(Math.abs(target - before));
        expect(Math.sign(target - next) * Math.sign(target - before)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('arrives, and stays there as long as the load does', () => {
    fc.assert(
      fc.property(demand, load, (before, now) => {
        const way = after(
          Array.from({ length: 300 }, () => now),
          before,
        );
        expect(way.at(-1)).toBe(demandAt(now, bounds));
      }),
    );
  });

  it('hardly answers to a load that jumps between nothing and everything', () => {
    for (const halfPeriod of [1, 2, 4]) {
      const loads = Array.from({ length: 400 }, (_, i) => (Math.floor(i / halfPeriod) % 2 === 0 ? 0 : 2_000));
      const late = after(loads).slice(200);
      expect(Math.max(...late) - Math.min(...late)).toBeLessThanOrEqual(halfPeriod * MAX_DEMAND_STEP);
    }
  });

  it('follows at once where a vote moves the bounds themselves', () => {
    expect(nextDemand(2_000, 2_000, { floor: 500, ceiling: 1_200 })).toBe(1_200);
    expect(nextDemand(500, 0, { floor: 900, ceiling: 2_000 })).toBe(900);
  });
});
