/** What the page says about when this computer is lent, and what that takes. */
import type { Probe } from '@llmesh/core/policy/catalogue';
import type { HourRange } from '@llmesh/core/policy/lending-hours';
import type { Rest } from '../../state/donate/rest/rest.ts';

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
  const time = new Date(ms).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  const day = (at: number) => new Date(at).toDateString();
  if (day(ms) === day(nowMs)) return time;
  const tomorrow = new Date(nowMs);
  tomorrow.setDate(tomorrow.getDate() + 1);
  if (day(ms) === tomorrow.toDateString()) return `${time} tomorrow`;
  return `${time} on ${new Date(ms).toLocaleDateString('en', { weekday: 'long' })}`;
}

/** "07:30" → 450; null: it is no time of a day. */
export function minuteOfTime(text: string): number | null {
  const [, hour, rest] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  return hour === undefined ? null : Number(hour) * 60 + Number(rest);
}

/** 450 → "07:30" */
export function timeOfMinute(minute: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / 60) % 24)}:${two(minute % 60)}`;
}

/** The night, of which most people need least. */
export const NIGHT: HourRange = { fromMinute: 22 * 60, toMinute: 7 * 60 };

/** Watts more than at rest while it writes: from, to. What such computers commonly take, not what this one does. */
function wattsOf({ backend, device, software }: Probe): readonly [number, number] {
  if (PHONE.test(navigator.userAgent)) return [2, 6];
  if (backend !== 'webgpu' || software) return [10, 50];
  return OWN_CARD.test(device) ? [80, 300] : [10, 40];
}
const PHONE = /Android|iPhone|iPad|Mobile/;
/** Cards with memory of their own, as their makers name them. */
const OWN_CARD = /nvidia|geforce|rtx|gtx|quadro|radeon (rx|pro)|\bamd rx|intel arc|\barc\b/i;

/** What lending took today, as a guess that says that it is one. */
export function energyWords(probe: Probe, writingMs: number): string {
  const [least, most] = wattsOf(probe);
  const range = `about ${least} to ${most} watts more than at rest while it writes`;
  if (writingMs === 0) return `A guess: computers like this take ${range}. A page cannot measure it.`;
  const hours = writingMs / 3_600_000;
  return `It wrote for ${spanWords(writingMs)} today. A guess: computers like this take ${range}, which makes ${wattHours(least * hours, most * hours)}. A page cannot measure it.`;
}

function wattHours(least: number, most: number): string {
  if (most < 1) return 'less than 1 watt-hour today';
  if (most >= 1000) return `${(least / 1000).toFixed(1)} to ${(most / 1000).toFixed(1)} kilowatt-hours today`;
  return `${Math.max(1, Math.round(least))} to ${Math.round(most)} watt-hours today`;
}

function spanWords(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return 'less than a minute';
  if (minutes < 60) return minutes === 1 ? 'a minute' : `${minutes} minutes`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
