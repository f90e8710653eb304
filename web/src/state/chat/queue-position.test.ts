import { describe, expect, it } from 'vitest';
import { aboutHowLong, queuePosition } from './queue-position.ts';

describe('a place in the line', () => {
  it.each([
    [1, 'Next in line'],
    [2, '2nd in line'],
    [3, '3rd in line'],
    [11, '11th in line'],
    [1_021, '1,021st in line'],
  ])('%i is said as "%s"', (ahead, words) => expect(queuePosition(ahead)).toBe(words));

  it.each([
    [0, 'a few seconds'],
    [8_000, 'about 10 seconds'],
    [41_000, 'about 40 seconds'],
    [58_000, 'about a minute'],
    [100_000, 'about 2 minutes'],
    [2 * 3_600_000, 'about 2 hours'],
  ])('%i ms is said as "%s"', (ms, words) => expect(aboutHowLong(ms)).toBe(words));

  it('says nothing of a time that nobody knows', () => expect(aboutHowLong(null)).toBeNull());
});
