/** Whether lending rests by its owner's wish, and why; a pure decision. */
import { isWithin, minuteOf, type HourRange } from '@llmesh/core/policy/lending-hours';

/** When this computer is lent, as its owner chose. */
export interface RestTerms {
  /** Only in these hours of the computer's own clock; null: at any. */
  hours: HourRange | null;
  /** Not on battery. */
  onMains: boolean;
  /** Only while nobody uses this computer. */
  whenAway: boolean;
  /** Milliseconds since 1970; null: not paused. */
  pausedUntilMs: number | null;
}

/** What this computer is like now; null: the browser does not tell, or was not asked. */
export interface RestReading {
  /** Milliseconds since 1970. */
  nowMs: number;
  onBattery: boolean | null;
  inUse: boolean | null;
}

/** paused: its owner said so, until then · hours: until then, they are over · battery, in-use: until that changes */
export type Rest =
  | { why: 'paused'; untilMs: number }
  | { why: 'hours'; untilMs: number }
  | { why: 'battery' }
  | { why: 'in-use' };

/** null: lend. What its owner said last comes first, and what changes by itself last. */
export function restOf(terms: RestTerms, { nowMs, onBattery, inUse }: RestReading): Rest | null {
  const { hours, onMains, whenAway, pausedUntilMs } = terms;
  if (pausedUntilMs !== null && nowMs < pausedUntilMs) return { why: 'paused', untilMs: pausedUntilMs };
  if (hours !== null && !isWithin([hours], minuteOf(new Date(nowMs)))) {
    return { why: 'hours', untilMs: nextMinuteMs(hours.fromMinute, nowMs) };
  }
  // Where the browser does not tell, lending goes on: its owner sees that it does not.
  if (onMains && onBattery === true) return { why: 'battery' };
  if (whenAway && inUse === true) return { why: 'in-use' };
  return null;
}

/** When the clock may turn the decision next, in milliseconds since 1970; null: it does not. */
export function turnsAtMs({ hours, pausedUntilMs }: RestTerms, nowMs: number): number | null {
  const turns = hours === null ? [] : [hours.fromMinute, hours.toMinute].map((minute) => nextMinuteMs(minute, nowMs));
  if (pausedUntilMs !== null && pausedUntilMs > nowMs) turns.push(pausedUntilMs);
  return turns.length === 0 ? null : Math.min(...turns);
}

/** The next time, of the computer's own clock, that it is `minute` minutes after midnight, in milliseconds since 1970. */
export function nextMinuteMs(minute: number, nowMs: number): number {
  const next = new Date(nowMs);
  // Not by adding milliseconds: days with another hour for the summer are shorter or longer.
  next.setHours(0, minute, 0, 0);
  if (next.getTime() <= nowMs) {
    next.setDate(next.getDate() + 1);
    next.setHours(0, minute, 0, 0);
  }
  return next.getTime();
}
