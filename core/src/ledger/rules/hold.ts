/** Credits that are put aside for answers under one seed: from the allowance first, then from what is free. */
import { toBase32 } from '../../base/base32.ts';
import type { PeerId } from '../../base/ids.ts';
import { MAX_LEASE_SECONDS } from '../../receipts/lease.ts';
import { accountOf } from '../account.ts';
import { inCredits, type Micro } from '../credit.ts';
import type { Draft } from '../draft.ts';
import type { Refund, Reserve } from '../event.ts';
import { DAY_MS, dayOf, holdKey, settledKey } from '../keys.ts';
import { refused, short } from '../refusal.ts';

/** So long after its leases end, a hold waits for their receipts. */
export const HELD_AFTER_LEASE_S = 900;
/** No hold lasts for longer: the longest lease, the time after it, and some for clocks that disagree. */
export const MAX_HOLD_SECONDS = MAX_LEASE_SECONDS + HELD_AFTER_LEASE_S + 300;

export interface Hold {
  readonly payer: PeerId;
  readonly total: Micro;
  readonly free: Micro;
  readonly allowance: Micro;
  /** Seconds since 1970. */
  readonly untilS: number;
  readonly paid: Micro;
}

/** One whose rest went back: proofs that come late are paid from what its payer has free, never more than it once was. */
export interface Settled {
  readonly payer: PeerId;
  readonly total: Micro;
  readonly paid: Micro;
  readonly key: string;
}

export function reserve(draft: Draft, { hold, payer, amount, untilS }: Reserve): void {
  const id = toBase32(hold);
  if (openHold(draft, id) !== null || settledHold(draft, id, draft.ms) !== null)
    throw refused('Credits were put aside for this already.');
  if (untilS * 1_000 <= draft.ms || untilS * 1_000 > draft.ms + MAX_HOLD_SECONDS * 1_000)
    throw refused('Credits are put aside for some minutes only.');
  const allowance = Math.min(amount, draft.balance(accountOf('allowance', payer)));
  const free = amount - allowance;
  const has = draft.balance(accountOf('free', payer));
  if (free > has) {
    throw short(`This costs up to ${inCredits(amount)} credits, and ${inCredits(has + allowance)} are there.`);
  }
  draft.move(allowance, accountOf('allowance', payer), accountOf('held', payer), 'held');
  draft.move(free, accountOf('free', payer), accountOf('held', payer), 'held');
  saveHold(draft, id, { payer, total: amount, free, allowance, untilS, paid: 0 });
}

export function refund(draft: Draft, { hold, payer }: Refund): void {
  const id = toBase32(hold);
  const open = openHold(draft, id);
  if (open === null) throw refused('Nothing is put aside for this any more.');
  if (open.payer !== payer) throw refused('Somebody else put these credits aside.');
  if (open.untilS * 1_000 > draft.ms) throw refused('These credits are put aside for longer.');
  release(draft, id, open);
}

/** The rest goes back to where it came from; what was paid is remembered. */
export function release(draft: Draft, id: string, { payer, total, free, allowance, untilS, paid }: Hold): void {
  draft.move(allowance, accountOf('held', payer), accountOf('allowance', payer), 'refunded');
  draft.move(free, accountOf('held', payer), accountOf('free', payer), 'refunded');
  draft.set(holdKey(id), undefined);
  draft.set(settledKey(dayOf(untilS * 1_000), id), [payer, total, paid]);
}

export function openHold(draft: Draft, id: string): Hold | null {
  const row = draft.get(holdKey(id)) as readonly [PeerId, number, number, number, number, number] | undefined;
  if (row === undefined) return null;
  const [payer, total, free, allowance, untilS, paid] = row;
  return { payer, total, free, allowance, untilS, paid };
}

export function saveHold(draft: Draft, id: string, { payer, total, free, allowance, untilS, paid }: Hold): void {
  draft.set(holdKey(id), [payer, total, free, allowance, untilS, paid]);
}

/** `nearMs`: a moment at most a day before its end, or in the hour after it. */
export function settledHold(draft: Draft, id: string, nearMs: number): Settled | null {
  const days = new Set([dayOf(nearMs - DAY_MS / 24), dayOf(nearMs), dayOf(nearMs + MAX_HOLD_SECONDS * 1_000)]);
  for (const day of days) {
    const key = settledKey(day, id);
    const row = draft.get(key) as readonly [PeerId, number, number] | undefined;
    if (row !== undefined) return { payer: row[0], total: row[1], paid: row[2], key };
  }
  return null;
}
