/**
 * What emission pays those who were there. Who gets which share the control plane says: it alone knows who was connected,
 * and from which networks. How much a share is, and whether its peer has served anyone lately, is found here.
 */
import { accountOf } from '../account.ts';
import type { Draft } from '../draft.ts';
import { earnedIn, noteEarned } from '../earned.ts';
import { budgetOf, EPOCH_MS } from '../emission.ts';
import type { Uptime } from '../event.ts';
import { DAY_MS, earnedKey, UPTIME } from '../keys.ts';
import { parameter, partOf } from '../parameter.ts';
import { refused } from '../refusal.ts';
import { emissionPart } from './founding.ts';
import { firstEpoch, SERVED_WITHIN_MS } from './given.ts';
import { storagePaid } from './storage.ts';

/** An epoch is paid for within this time of its end, or never. */
const PAID_WITHIN_MS = 2 * DAY_MS;

/** Several events may pay for one epoch, each for other peers. */
export function payUptime(draft: Draft, { epoch, shares }: Uptime): void {
  const endMs = (epoch + 1) * EPOCH_MS;
  if (endMs > draft.ms) throw refused('This hour is not over.');
  const [last, paid] = (draft.get(UPTIME) as readonly [number, number] | undefined) ?? [0, 0];
  if (epoch < Math.max(last, firstEpoch(draft)) || endMs + PAID_WITHIN_MS < draft.ms)
    throw refused('The time to pay for this hour is over.');
  const before = epoch === last ? paid : 0;
  const hour = partOf(budgetOf(epoch - firstEpoch(draft)), emissionPart(draft, 'uptime'));
  const budget = hour - before - storagePaid(draft, epoch);
  const all = shares.reduce((sum, [, share]) => sum + share, 0);
  const cap = parameter(draft, 'uptime-cap');
  const leastStake = parameter(draft, 'minimum-stake');
  let sum = 0;
  for (const [peer, share] of shares) {
    const { servedMs, epoch: paidFor } = earnedIn(draft.get(earnedKey(peer)));
    if (paidFor >= epoch) throw refused('One of these volunteers was paid for this hour already.');
    if (servedMs + SERVED_WITHIN_MS < endMs) throw refused('One of these volunteers has answered nobody for a week.');
    // Who has too little at stake is named by the control plane like all others, and paid nothing.
    const bonded = draft.balance(accountOf('stake', peer)) >= leastStake;
    const amount = bonded ? Math.min(partOf(cap, share), Math.floor(budget / all) * share) : 0;
    draft.move(amount, 'emission', accountOf('free', peer), 'uptime');
    noteEarned(draft, peer, { uptime: amount, epoch });
    sum += amount;
  }
  draft.set(UPTIME, [epoch, before + sum]);
}
