import { describe, expect, it } from 'vitest';
import { cutBefore, shortened } from './graphemes.ts';

/** Half of a surrogate pair. */
const HALF = /\p{Cs}/u;
const FAMILY = '👩‍👩‍👧‍👦';

describe('shortened', () => {
  it('leaves a short text as it is', () => {
    expect([shortened('', 5), shortened('12345', 5), shortened(FAMILY, FAMILY.length)]).toEqual(['', '12345', FAMILY]);
  });

  it('keeps an emoji of several parts whole, or leaves it out', () => {
    for (let most = 2; most < 30; most++) {
      const short = shortened(`ab${FAMILY}cd${FAMILY}efghij`, most);
      expect(short.length).toBeLessThanOrEqual(most);
      expect(`ab${FAMILY}cd${FAMILY}efghij`.replace(short.slice(0, -1), '')).not.toMatch(/^\p{M}|^\u200d/u);
      expect(short).not.toMatch(HALF);
      expect(short.replaceAll(FAMILY, '')).toMatch(/^[a-j]*…$/);
    }
  });

  it('leaves marks on their letter, flags in two halves and Hangul in its syllables', () => {
    for (const whole of ['e\u0301', '🇩🇪', 'ᄒ\u1161\u11ab', '👍🏽', '❤️']) {
      expect(shortened(`a${whole}bcd`, 1 + whole.length)).toBe('a…');
      expect(shortened(`a${whole}bcd`, 2 + whole.length)).toBe(`a${whole}…`);
    }
  });

  it('is an ellipsis where nothing whole fits', () => {
    expect(shortened(`${FAMILY}x`, 4)).toBe('…');
  });
});

describe('cutBefore', () => {
  it('cuts a heap of marks, but no surrogate pair', () => {
    expect(cutBefore(`a${'\u0301'.repeat(10_000)}`, 5_000)).toBe(5_000);
    const heads = '😀'.repeat(100);
    for (let most = 1; most < heads.length; most++) expect(heads.slice(0, cutBefore(heads, most))).not.toMatch(HALF);
  });
});
