import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLAIN, priceOf } from './price.ts';

const whole = fc.integer({ min: 0, max: 1_000_000 });

describe('a price', () => {
  it('is base × demand × complexity, rounded up to whole credits', () => {
    expect(priceOf({ base: 7, demand: PLAIN, complexity: PLAIN })).toBe(7);
    expect(priceOf({ base: 7, demand: 1_500, complexity: 2_000 })).toBe(21);
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
});
