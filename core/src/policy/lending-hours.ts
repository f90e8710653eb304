/** The times at which a computer is lent, as its owner writes them: `22:00-07:00`, several with commas between. */

const MINUTES_A_DAY = 24 * 60;
const TIME = /^([01]\d|2[0-4]):([0-5]\d)$/;

/** `always`; `idle`: while nobody needs the computer; else in these hours, of the computer's own clock. */
export type When = 'always' | 'idle' | readonly HourRange[];

/** Minutes since midnight. The end is exclusive; an end before the start is on the next day. */
export interface HourRange {
  fromMinute: number;
  toMinute: number;
}

/** Null when the text is none of the three. */
export function readWhen(text: string): When | null {
  const words = text.trim();
  if (words === 'always' || words === 'idle') return words;
  const ranges = words.split(',').map((part) => readRange(part.trim()));
  return ranges.every((range) => range !== null) ? ranges : null;
}

export function isWithin(ranges: readonly HourRange[], minute: number): boolean {
  return ranges.some(({ fromMinute, toMinute }) =>
    fromMinute < toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute,
  );
}

/** The time, `HH:MM`, at which the computer is lent again, for a minute outside all ranges. */
export function nextStart(ranges: readonly HourRange[], minute: number): string {
  const waits = ranges.map(({ fromMinute }) => (fromMinute - minute + MINUTES_A_DAY) % MINUTES_A_DAY);
  return timeOfMinute(minute + Math.min(...waits));
}

/** "07:30" → 450, "24:00" → 1440; null: it is no time of a day. */
export function minuteOfTime(text: string): number | null {
  const [, hour, rest] = TIME.exec(text) ?? [];
  const minute = Number(hour) * 60 + Number(rest);
  return minute <= MINUTES_A_DAY ? minute : null;
}

/** 450 → "07:30", 1440 → "00:00" */
export function timeOfMinute(minute: number): string {
  return `${two(Math.floor(minute / 60) % 24)}:${two(minute % 60)}`;
}

export function minuteOf(date: Date): number {
  return date.getHours() * 60 + date.getMinutes();
}

function readRange(text: string): HourRange | null {
  const [from = '', to = '', ...more] = text.split('-');
  const [fromMinute, toMinute] = [minuteOfTime(from), minuteOfTime(to)];
  // An empty range means nothing: a whole day is 00:00-24:00.
  if (fromMinute === null || toMinute === null || more.length > 0 || fromMinute === toMinute) return null;
  return fromMinute === MINUTES_A_DAY ? null : { fromMinute, toMinute };
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}
