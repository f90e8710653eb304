/** What peers decide themselves, each order once. */
import { accountOf } from '../account.ts';
import type { Draft } from '../draft.ts';
import { noteEarned } from '../earned.ts';
import { aliasKey, ISSUER, ordersKey } from '../keys.ts';
import { ORDER_WITHIN_MS, type Order } from '../order.ts';
import { refused } from '../refusal.ts';
import { propose, vote } from './voting.ts';
import { needs, stake, unstake } from './stake.ts';

/** Orders of one peer within the time in which one could come again. */
export const MAX_RECENT_ORDERS = 64;

export function carryOut(draft: Draft, order: Order): void {
  once(draft, order);
  const { by } = order;
  switch (order.kind) {
    case 'transfer':
      if (order.to === by) throw refused('These credits are yours already.');
      needs(draft, by, order.amount);
      noteEarned(draft, by, { net: -order.amount });
      return draft.move(order.amount, accountOf('free', by), accountOf('free', order.to), 'transfer');
    case 'stake':
      return stake(draft, by, order.amount);
    case 'unstake':
      return unstake(draft, by, order.amount);
    case 'alias':
      return draft.set(aliasKey(by), order.alias ?? undefined);
    case 'propose':
      return propose(draft, by, order.parameter, order.value);
    case 'vote':
      return vote(draft, by, order.proposal, order.choice);
    case 'appeal':
    case 'retest':
    case 'known-answers':
      throw refused('This order is for those who check answers, and moves no credits by itself.');
    default:
      return order satisfies never;
  }
}

function once(draft: Draft, { by, issuer, ms }: Order): void {
  if (issuer !== draft.get(ISSUER)) throw refused('This order is for another mesh.');
  if (Math.abs(ms - draft.ms) > ORDER_WITHIN_MS)
    throw refused('This order is too old, or the clock of this computer is wrong. Set the clock and try again.');
  const recent = ((draft.get(ordersKey(by)) as readonly number[] | undefined) ?? []).filter(
    (one) => one >= draft.ms - ORDER_WITHIN_MS,
  );
  if (recent.includes(ms)) throw refused('This order was carried out already.');
  if (recent.length >= MAX_RECENT_ORDERS) throw refused('These are too many orders at once. Try again in ten minutes.');
  draft.set(ordersKey(by), [...recent, ms]);
}
