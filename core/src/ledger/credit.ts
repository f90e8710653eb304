/** Credits as whole numbers of micro-credits, so that everyone who adds them up gets the same. */

/** Micro-credits in one credit. */
export const MICRO = 1_000_000;
/** All that will ever be given out by emission, in micro-credits: a thousand million credits, exact in a double. */
export const SUPPLY = 1_000_000_000 * MICRO;

/** An amount in micro-credits: a whole number, negative only for what an account has issued. */
export type Micro = number;

/** `1.25`: credits, for people, never rounded. */
export function inCredits(amount: Micro): string {
  const digits = String(Math.abs(amount)).padStart(7, '0');
  const text = `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/\.?0+$/, '');
  return amount < 0 ? `−${text}` : text;
}

/** The amount that a person wrote in credits: digits, and up to six more after a point. Null: it is no such amount. */
export function readCredits(text: string): Micro | null {
  const [, whole, part = ''] = /^(\d{1,10})(?:\.(\d{1,6}))?$/.exec(text.trim()) ?? [];
  if (whole === undefined) return null;
  const amount = Number(whole) * MICRO + Number(part.padEnd(6, '0'));
  return amount <= SUPPLY ? amount : null;
}
