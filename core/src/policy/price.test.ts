import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costOf, PLAIN, priceOf, taskPrice } from './price.ts';

const whole = fc.integer({ min: 0, max: 1_000_000 });

describe('a price', () => {
  it('is base × demand × complexity, each time rounded up to whole micro-credits', () => {
    expect(priceOf({ base: 7, demand: PLAIN, complexity: PLAIN })).toBe(7);
    expect(priceOf({ base: 7, demand: 1_500, complexity: 2_000 })).toBe(22);
    expect(priceOf({ base: 1, demand: 1_001, complexity: PLAIN })).toBe(2);
    expect(priceOf({ base: 0, demand: 9_000, complexity: 9_000 })).toBe(0);
  });

  it('is a whole number that everybody can count to, and never falls as its parts grow', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), whole, whole, whole, (base, demand, complexity, more) => {
        const price = priceOf({ base, demand, complexity });
        expect(Number.isSafeInteger(price) && price >= 0).toBe(true);
        expect(priceOf({ base, demand: demand + more, complexity })).toBeGreaterThanOrEqual(price);
        expect(priceOf({ base, demand, complexity: complexity + more })).toBeGreaterThanOrEqual(price);
      }),
    );
  });

  it('is the same whether it is computed at once, or from the price of the offer that people see', () => {
    fc.assert(
      fc.property(whole, whole, whole, (base, demand, complexity) => {
        const shown = priceOf({ base, demand, complexity: PLAIN });
        expect(taskPrice(shown, complexity)).toBe(priceOf({ base, demand, complexity }));
      }),
    );
  });

  it('costs never more for the units that came than was told for the most', () => {
    fc.assert(
      fc.property(whole, whole, fc.maxSafeNat(), (units, more, price) => {
        expect(costOf(units, price)).toBeLessThanOrEqual(costOf(units + more, price));
      }),
    );
    expect(costOf(1, 1)).toBe(1);
    expect(costOf(0, 5)).toBe(0);
    expect(costOf(4_000, 250_000)).toBe(1_000_000);
  });
});
