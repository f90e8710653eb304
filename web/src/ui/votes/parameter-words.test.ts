import { describe, expect, it } from 'vitest';
import { valueWords } from './parameter-words.ts';

describe('the value of a rule, in words', () => {
  it('counts one thing as one', () => {
    const unit = 'newcomers a day';
    expect([1, 3].map((value) => valueWords({ unit }, value))).toEqual(['1 newcomer a day', '3 newcomers a day']);
    expect(valueWords({ unit: 'micro-credits for 1,000 units' }, 100_000)).toBe('0.1 credits for 1,000 units');
    expect(valueWords({ unit: 'thousandths' }, 25)).toBe('2.5 %');
  });
});
