import { describe, expect, it } from 'vitest';
import { SeasonalRate, SLOT_MS } from './forecast.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A Monday, at midnight. */
const START = Date.UTC(2027, 0, 4);

/** Two questions each workday at nine, and one on Saturday at noon. */
function learned(days: number): SeasonalRate {
  const rate = new SeasonalRate(START);
  for (let day = 0; day < days; day++) {
    const weekday = day % 7;
    if (weekday < 5) for (const minutes of [4, 11]) rate.asked(START + day * DAY + 9 * HOUR + minutes * 60_000);
    if (weekday === 5) rate.asked(START + day * DAY + 12 * HOUR);
  }
  return rate;
}

describe('a forecast', () => {
  it('expects tomorrow what came today at that time, and nothing at night', () => {
    const rate = learned(2);
    const day = START + 2 * DAY;
    expect(rate.expected(day + 1 * HOUR, day + 4 * HOUR)).toBe(0);
    expect(rate.expected(day + 8.5 * HOUR, day + 10 * HOUR)).toBeCloseTo(2, 5);
  });

  it('knows that a weekend is no workday', () => {
    const rate = learned(12);
    const [saturday, monday] = [START + 12 * DAY, START + 14 * DAY];
    expect(rate.expected(saturday + 8.5 * HOUR, saturday + 10 * HOUR)).toBe(0);
    expect(rate.expected(saturday + 11.5 * HOUR, saturday + 13 * HOUR)).toBeGreaterThan(0.5);
    expect(rate.expected(monday + 8.5 * HOUR, monday + 10 * HOUR)).toBeCloseTo(2, 5);
  });

  it('forgets what is no longer asked for', () => {
    const rate = learned(12);
    const later = START + 40 * DAY + 2 * DAY;
    expect(rate.expected(later + 8.5 * HOUR, later + 10 * HOUR)).toBeLessThan(0.5);
  });

  it('takes no half of a slot for a quiet one, and expects of nothing nothing', () => {
    const rate = new SeasonalRate(START + 9 * HOUR + SLOT_MS / 2);
    rate.asked(START + DAY + 9 * HOUR + 1);
    expect(rate.expected(START + 2 * DAY + 8.5 * HOUR, START + 2 * DAY + 10 * HOUR)).toBeCloseTo(1, 5);
    expect(new SeasonalRate(START).expected(START, START + 30 * DAY)).toBe(0);
  });
});
