import { describe, expect, it } from 'vitest';
import { classOf, classOfOffer, sizeByName } from './price-class.ts';

describe('the class of a model', () => {
  it('goes by the size of its file', () => {
    expect([1, 1e9, 1e9 + 1, 4e9, 16e9, 17e9].map(classOf)).toEqual([
      ...['tiny', 'tiny', 'small', 'small', 'medium', 'large'],
    ]);
  });

  it.each<[string, string, number | null]>([
    ['Qwen3 8B', 'q8', 8.8e9],
    ['Qwen2.5 0.5B', 'q4', 0.275e9],
    ['SmolLM2 135M Instruct', 'f16', 0.297e9],
    ['Mixtral 8x7B', 'q4', 30.8e9],
    ['Qwen3-30B-A3B', 'IQ2_XS', 8.25e9],
    ['Llama 3.1 70B', 'q4f16_1', 38.5e9],
    ['A 7B', '', 7.7e9],
    ['The otter', 'q4', null],
    ['Model3Bike', 'q4', null],
  ])('is reckoned from the name where there is no other word: %s, %s', (name, quant, bytes) => {
    expect(sizeByName({ name, quant })).toBe(bytes);
  });

  it('is not what providers alone call it', () => {
    const huge = { name: 'Huge 405B', quant: 'q8' };
    expect(classOfOffer(huge, null)).toBe('tiny');
    expect(classOfOffer({ ...huge, proven: true }, null)).toBe('large');
    expect(classOfOffer({ ...huge, proven: true }, 3_000_000)).toBe('tiny');
    expect(classOfOffer({ name: 'The otter', quant: 'q8', proven: true }, null)).toBe('tiny');
  });
});
