import { describe, expect, it } from 'vitest';
import { FirstWords } from './first-words.ts';
import { newPeerId } from '../../base/ids.ts';

describe('the first words of a provider', () => {
  it('that nobody knows are late when they would be for anyone', () => {
    expect(new FirstWords().lateAfterMs(newPeerId())).toBe(4_000);
  });

  it('that come as always are never late, and a break in the habit is', () => {
    const words = new FirstWords();
    const [quick, slow] = [newPeerId(), newPeerId()];
    for (let i = 0; i < 50; i++) {
      const jitter = 0.9 + (0.2 * ((i * 7) % 10)) / 10;
      expect(i < 3 || 200 * jitter < words.lateAfterMs(quick)).toBe(true);
      words.heard(quick, 200 * jitter);
      words.heard(slow, 3_000 * jitter);
    }
    expect(words.lateAfterMs(quick)).toBeLessThan(600);
    expect(words.lateAfterMs(slow)).toBeGreaterThan(3_000);
    expect(words.lateAfterMs(slow)).toBeLessThan(5_000);
  });

  it('are remembered of the last thousand or so', () => {
    const words = new FirstWords();
    const first = newPeerId();
    words.heard(first, 50);
    for (let i = 0; i < 1_024; i++) words.heard(newPeerId(), 50);
    expect(words.lateAfterMs(first)).toBe(4_000);
  });
});
