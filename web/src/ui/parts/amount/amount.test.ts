import { MICRO } from '@llmesh/core/ledger/credit';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { amount, change, credits } from './amount.ts';

it('says the digits that a person reads, and each of them to who looks closer', () => {
  const micros = [0, 1, 400_000, 100_352, 31_249, 1_234_250_000, 1_000 * MICRO, 999 * MICRO, -1_234_500_901];
  expect(micros.map((micro) => amount(micro))).toEqual([
    ...['0', '0.000001', '0.4', '0.1', '0.0312'],
    ...['1,234.25', '1,000', '999', '−1,234.5'],
  ]);
  expect(micros.map((micro) => amount(micro, 'all'))).toEqual([
    ...['0', '0.000001', '0.4', '0.100352', '0.031249'],
    ...['1,234.25', '1,000', '999', '−1,234.500901'],
  ]);
  expect([100_352, 999_999, 999_500, 1_000_001].map((micro) => amount(micro, 'most'))).toEqual([
    ...['0.101', '1', '1', '1.001'],
  ]);
});

it('agrees with its noun, and says which way it went', () => {
  expect([0, MICRO, 1_000_001].map((micro) => credits(micro))).toEqual(['0 credits', '1 credit', '1 credit']);
  expect(credits(1_000_001, 'all')).toBe('1.000001 credits');
  expect([0, 400_000, -400_000].map((micro) => change(micro))).toEqual(['0', '+0.4', '−0.4']);
});

it('never shows more than there is, nor a bound below it, and shows nothing as nothing only', () => {
  const read = (shown: string) => Number(shown.replaceAll(',', ''));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 * MICRO }), (micro) => {
      expect(read(amount(micro))).toBeLessThanOrEqual(micro / MICRO);
      expect(read(amount(micro))).toBeGreaterThan(0);
      expect(read(amount(micro, 'most'))).toBeGreaterThanOrEqual(micro / MICRO);
      expect(amount(micro).split('.')[1]?.replace(/^0+/, '').length ?? 0).toBeLessThanOrEqual(3);
    }),
  );
});
