import { expect, it } from 'vitest';
import { WEIGHT } from '@llmesh/core/governance/weight';
import { SPLITS, splitRows, type Rule } from './vote-split.ts';

const rows = splitRows(1);
const sharesOf = (who: string, rule: Rule) => rows.find((row) => row.who === who && row.rule === rule)!.shares;

it('dividing what one earned among many keys gains no weight, but for the cap of a key', () => {
  for (const who of ['a volunteer like others', 'a large volunteer']) {
    const shares = sharesOf(who, 'linear');
    for (const share of shares) expect(share).toBeCloseTo(shares[0]!, 3);
  }
  // Who earned 1 of 11 credits has 1 of 11 votes at most.
  expect(Math.max(...sharesOf('a hall of computers', 'linear'))).toBeLessThanOrEqual(1 / 11 + 0.001);
});

it('by square roots it would: ten keys weigh three times as much as one. So votes are linear', () => {
  const ten = SPLITS.indexOf(10);
  for (const who of ['a volunteer like others', 'a large volunteer', 'a hall of computers']) {
    const shares = sharesOf(who, 'sqrt');
    expect(shares[ten]! / shares[0]!).toBeGreaterThan(2.9);
  }
  expect(WEIGHT).toBe('linear');
});
