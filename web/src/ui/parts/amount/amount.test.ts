import { MICRO } from '@llmesh/core/ledger/credit';
import { expect, it } from 'vitest';
import { amount, change, credits } from './amount.ts';

it('says every digit of an amount, in groups', () => {
  expect([0, 1, 400_000, 1_234_250_000, 1_000 * MICRO, 999 * MICRO, -1_234_500_001].map(amount)).toEqual([
    '0',
    '0.000001',
    '0.4',
    '1,234.25',
    '1,000',
    '999',
    '−1,234.500001',
  ]);
});

it('agrees with its noun, and says which way it went', () => {
  expect([credits(0), credits(MICRO), credits(1_000_001)]).toEqual(['0 credits', '1 credit', '1.000001 credits']);
  expect([change(0), change(400_000), change(-400_000)]).toEqual(['0', '+0.4', '−0.4']);
});
