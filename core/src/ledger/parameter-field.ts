/** A parameter's value as people read and write it: in credits, in per cent, or as it is counted. Pure. */
import type { Parameter } from '../governance/parameters.ts';
import { inCredits, readCredits } from './credit.ts';

const MICRO_CREDITS = 'micro-credits';
const THOUSANDTHS = 'thousandths';
type Unit = Pick<Parameter, 'unit'>;

/** What the field counts: "credits for 1,000 units", "per cent", "newcomers a day". */
export function unitWords({ unit }: Unit): string {
  if (unit === THOUSANDTHS) return 'per cent';
  return unit.startsWith(MICRO_CREDITS) ? `credits${unit.slice(MICRO_CREDITS.length)}` : unit;
}

/** The value as it stands in a field, exactly. */
export function fieldOf({ unit }: Unit, value: number): string {
  if (unit === THOUSANDTHS) {
    const whole = Math.floor(value / 10);
    return value % 10 === 0 ? String(whole) : `${whole}.${value % 10}`;
  }
  return unit.startsWith(MICRO_CREDITS) ? inCredits(value) : String(value);
}

/** The value that was written into a field; null: it is no such number. */
export function readField({ unit }: Unit, text: string): number | null {
  if (unit.startsWith(MICRO_CREDITS)) return readCredits(text);
  const [, whole, part = '0'] = /^(\d{1,15})(?:\.(\d))?$/.exec(text.trim()) ?? [];
  if (whole === undefined) return null;
  if (unit === THOUSANDTHS) return Number(whole) * 10 + Number(part);
  return part === '0' ? Number(whole) : null;
}
