/** A place in the line, in words. */

import { language, locale } from '../../language/languages.ts';
import { plural } from '../../language/plural.ts';

const ORDINALS = new Intl.PluralRules('en', { type: 'ordinal' });
const ORDINAL_ENDINGS: Readonly<Record<string, string>> = { one: 'st', two: 'nd', few: 'rd', other: 'th' };
const whole = new Intl.NumberFormat(locale);

/** "Next in line", "3rd in line". `ahead`: how many come first, including the one being answered. */
export function queuePosition(ahead: number): string {
  if (ahead <= 1) return 'Next in line';
  return language === 'en' ? `${ordinal(ahead)} in line` : `Number ${whole.format(ahead)} in line`;
}

/** "about 40 seconds": a guess, in words. null: nobody knows, so nothing is said. */
export function aboutHowLong(estimateMs: number | null): string | null {
  if (estimateMs === null) return null;
  const seconds = estimateMs / 1000;
  if (seconds < 7.5) return 'a few seconds';
  if (seconds < 57.5) return `about ${5 * Math.round(seconds / 5)} seconds`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return plural(minutes, ['about a minute', 'about # minutes']);
  return `about ${Math.round(minutes / 60)} hours`;
}

/** 3 → "3rd": only English is written so. */
function ordinal(value: number): string {
  return `${whole.format(value)}${ORDINAL_ENDINGS[ORDINALS.select(value)] ?? 'th'}`;
}
