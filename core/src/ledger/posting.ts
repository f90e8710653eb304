/** What one event does to the accounts: double entry, so that the amounts of one event sum to zero. */
import type { Account } from './account.ts';
import type { Micro } from './credit.ts';

/** Why an account changed: shown to its owner, with the event and its receipt. */
export const REASONS = [
  'held',
  'paid',
  'earned',
  'task-reward',
  'refunded',
  'fee',
  'uptime',
  'storage',
  'audit-fee',
  'allowance',
  'grant',
  'transfer',
  'staked',
  'unstaked',
  'released',
  'slashed',
  'reversed',
  'appeal',
  'proposal-stake',
] as const;
export type PostingReason = (typeof REASONS)[number];

export interface Posting {
  readonly account: Account;
  readonly amount: Micro;
  readonly reason: PostingReason;
}

export function isReason(text: string): text is PostingReason {
  return (REASONS as readonly string[]).includes(text);
}
