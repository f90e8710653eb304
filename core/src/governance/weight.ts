/**
 * How much a vote weighs: by what others paid this key from their own credits in the 90 full days before the proposal's
 * day, less what it paid and sent on in the same time. Nothing that can be bought, given or had for being there counts, and
 * credits that go round in a circle count for nobody.
 */
import type { PeerId } from '../base/ids.ts';

export const WINDOW_DAYS = 90;
/** So many different requesters have to have paid it. */
export const COUNTERPARTIES = 5;
/** So many are remembered for each key. */
export const MOST_COUNTERPARTIES = 5;
/** The most that one key weighs, in thousandths of all weights. */
export const MOST_OF_ALL = 30;
/**
 * `linear`: who spreads over several keys what it earns has the same weight as before. By square roots, ten keys would
 * have three times the weight of one.
 */
export const WEIGHT: 'sqrt' | 'linear' = 'linear';

/** A day since 1970, and what others paid on it, less what it paid and sent on: that may be below zero. */
export type DayEarned = readonly [day: number, amount: number];
/** A requester that paid, and on which days for the first and the last time that is known. */
export type Counterparty = readonly [peer: PeerId, first: number, last: number];

/** Before the cap. 0: this key has no vote yet. `day`: the proposal's. */
export function weightOf(
  days: readonly DayEarned[],
  counterparties: readonly Counterparty[],
  day: number,
  curve = WEIGHT,
): number {
  const from = day - WINDOW_DAYS;
  const many = counterparties.filter(([, first, last]) => first < day && last >= from).length;
  if (many < COUNTERPARTIES) return 0;
  const sum = days.reduce((all, [on, amount]) => (on >= from && on < day ? all + amount : all), 0);
  const earned = Math.max(0, sum);
  // Thousandths of a credit: so fine, and the sum of all still is exact.
  return curve === 'linear' ? Math.floor(earned / 1_000) : root(earned);
}

/** What one key may weigh at most, where all weigh this together. */
export function capOf(all: number): number {
  return Math.floor(all / 1_000) * MOST_OF_ALL + Math.floor(((all % 1_000) * MOST_OF_ALL) / 1_000);
}

/** ⌊√n⌋, by whole numbers, so that every engine has the same. */
export function root(n: number): number {
  let guess = Math.floor(Math.sqrt(n));
  while (BigInt(guess) * BigInt(guess) > BigInt(n)) guess--;
  while (BigInt(guess + 1) * BigInt(guess + 1) <= BigInt(n)) guess++;
  return guess;
}
