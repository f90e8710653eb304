/** What the page says about when this computer is lent. */
import type { HourRange } from '@llmesh/core/policy/lending-hours';
import type { Rest } from '../../state/donate/rest/rest.ts';
import { locale } from '../../language/languages.ts';
import { clockTime } from '../parts/format.ts';

/** Why nothing is lent although the switch is on, and when that ends. */
export function restWords(rest: Rest, nowMs: number): string {
  switch (rest.why) {
    case 'paused':
      return `Paused by you until ${whenWords(rest.untilMs, nowMs)}.`;
    case 'hours':
      return `Outside your hours. It lends again at ${whenWords(rest.untilMs, nowMs)}.`;
    case 'battery':
      return 'On battery. It lends again when this computer is plugged in.';
    case 'in-use':
      return 'You’re using this computer. It lends again when nobody has touched it for a minute.';
    default:
      return rest satisfies never;
  }
}

/** "14:30", "14:30 tomorrow", "14:30 on Friday" */
export function whenWords(ms: number, nowMs: number): string {
  const time = clockTime(ms);
  const day = (at: number) => new Date(at).toDateString();
  if (day(ms) === day(nowMs)) return time;
  const tomorrow = new Date(nowMs);
  tomorrow.setDate(tomorrow.getDate() + 1);
  if (day(ms) === tomorrow.toDateString()) return `${time} tomorrow`;
  return `${time} on ${new Date(ms).toLocaleDateString(locale, { weekday: 'long' })}`;
}

/** The night, of which most people need least. */
export const NIGHT: HourRange = { fromMinute: 22 * 60, toMinute: 7 * 60 };
