/**
 * A delivery is paid: what its units cost, less what was paid for it before, out of what was put aside for it. Credits of
 * the payer's own are split between the provider, the auditors and the treasury; an allowance goes back to emission, so
 * that a thousand newcomers are no income for anyone.
 */
import { costOf } from '../../policy/price.ts';
import { accountOf, type PeerAccount } from '../account.ts';
import type { Micro } from '../credit.ts';
import { deliveryIn, rowOf, type KnownDelivery } from '../delivery.ts';
import type { Draft } from '../draft.ts';
import { noteCounterparty, noteEarned } from '../earned.ts';
import type { Delivery } from '../evidence.ts';
import { checksKey, DAY_MS, dayOf, deliveryKey, FILED_WITHIN_DAYS, ISSUER } from '../keys.ts';
import { parameter, partOf } from '../parameter.ts';
import { badReceipt } from '../refusal.ts';
import { CLOCK_SKEW_SECONDS, MAX_LEASE_SECONDS } from '../../receipts/lease.ts';
import { give, giveBack } from './given.ts';
import { openHold, release, saveHold, settledHold } from './hold.ts';

export function earn(draft: Draft, delivery: Delivery): void {
  const { issuer, nonce, expiresAt } = delivery;
  if (issuer !== draft.get(ISSUER)) throw badReceipt('The lease of this delivery is from another mesh.');
  const endMs = expiresAt * 1_000;
  if (endMs + FILED_WITHIN_DAYS * DAY_MS < draft.ms)
    throw badReceipt(`This delivery was filed later than ${FILED_WITHIN_DAYS} days after its lease ended.`);
  if (endMs > draft.ms + (MAX_LEASE_SECONDS + CLOCK_SKEW_SECONDS) * 1_000)
    throw badReceipt('The lease of this delivery lasts for too long.');
  const key = deliveryKey(dayOf(endMs), nonce);
  const before = deliveryIn(draft.get(key));
  if (before !== null && !fuller(delivery, before)) throw badReceipt('This delivery was filed already.');
  if (before !== null && before.taken > 0) throw badReceipt('What was paid for this delivery was taken back.');
  const cost = costOf(delivery.units, delivery.price);
  const charged = charge(draft, delivery, Math.max(0, cost - (before?.paid ?? 0)));
  const { toProvider, reward } = split(draft, delivery, charged);
  draft.set(key, rowOf(added(draft.index, delivery, before, { paid: charged.paid, toProvider, reward })));
  const units = Math.max(0, delivery.units - (before?.units ?? 0));
  const gain = { tasks: toProvider + reward, net: toProvider, units };
  noteEarned(draft, delivery.provider, { ...gain, served: delivery.complete });
  if (charged.free > 0) noteEarned(draft, delivery.requester, { net: -charged.free });
  if (toProvider > 0) noteCounterparty(draft, delivery.provider, delivery.requester);
}

function fuller({ complete, units }: Delivery, before: KnownDelivery): boolean {
  return !before.complete && (complete || units > before.units);
}

/** What the requester pays now, and how much of that is its own, and in which account. */
interface Charge {
  readonly paid: Micro;
  readonly free: Micro;
  readonly from: PeerAccount;
}

/** Takes at most `due` from the hold, and from `free` where its rest went back already. The allowance's part is gone then. */
function charge(draft: Draft, { hold: id, requester, expiresAt, complete }: Delivery, due: Micro): Charge {
  const hold = openHold(draft, id);
  if (hold !== null) {
    if (hold.payer !== requester) throw badReceipt('Somebody else put credits aside for this delivery.');
    const fromAllowance = Math.min(due, hold.allowance);
    const free = Math.min(due - fromAllowance, hold.free);
    giveBack(draft, 'allowances', fromAllowance, { peer: requester, account: 'held', reason: 'paid' });
    const paid = fromAllowance + free;
    const rest = { allowance: hold.allowance - fromAllowance, free: hold.free - free, paid: hold.paid + paid };
    // The split below takes its part from `held`, in which both it and the rest lie.
    if (complete) release(draft, id, { ...hold, ...rest });
    else saveHold(draft, id, { ...hold, ...rest });
    return { paid, free, from: 'held' };
  }
  const settled = settledHold(draft, id, expiresAt * 1_000);
  if (settled === null || settled.payer !== requester) return { paid: 0, free: 0, from: 'free' };
  const has = draft.balance(accountOf('free', requester));
  const paid = Math.min(due, settled.total - settled.paid, has);
  draft.set(settled.key, [settled.payer, settled.total, settled.paid + paid]);
  return { paid, free: paid, from: 'free' };
}

function split(
  draft: Draft,
  { requester, provider }: Delivery,
  { free, from }: Charge,
): { toProvider: Micro; reward: Micro } {
  if (free === 0) return { toProvider: 0, reward: 0 };
  const payer = accountOf(from, requester);
  const toProvider = partOf(free, parameter(draft, 'split-host'));
  const toAuditors = partOf(free, parameter(draft, 'split-auditors'));
  draft.move(toProvider, payer, accountOf('free', provider), 'paid', 'earned');
  draft.move(toAuditors, payer, 'auditors', 'paid', 'fee');
  draft.set(checksKey(provider), draft.number(checksKey(provider)) + toAuditors);
  draft.move(free - toProvider - toAuditors, payer, 'treasury', 'paid', 'fee');
  const most = partOf(free, parameter(draft, 'task-reward'));
  const reward = give(draft, 'tasks', most, { peer: provider, account: 'free', reason: 'task-reward' });
  return { toProvider, reward };
}

function added(
  index: number,
  { requester, provider, units, complete }: Delivery,
  before: KnownDelivery | null,
  more: Pick<KnownDelivery, 'paid' | 'toProvider' | 'reward'>,
): KnownDelivery {
  // Spelled out: spreading parts of it takes several times as long, and each receipt comes by here.
  return {
    index,
    requester,
    provider,
    complete,
    units: Math.max(units, before?.units ?? 0),
    paid: (before?.paid ?? 0) + more.paid,
    toProvider: (before?.toProvider ?? 0) + more.toProvider,
    reward: (before?.reward ?? 0) + more.reward,
    taken: before?.taken ?? 0,
    takenReward: before?.takenReward ?? 0,
  };
}
