/** What a provider puts at risk. It comes back slowly: who unstakes when its answers are found out is still slashed. */
import type { PeerId } from '../../base/ids.ts';
import { accountOf } from '../account.ts';
import { inCredits, type Micro } from '../credit.ts';
import type { Draft } from '../draft.ts';
import { DAY_MS, dayOf, unbondingKey } from '../keys.ts';
import { refused, short } from '../refusal.ts';

export const UNBONDING_DAYS = 14;

/** An amount, and from when on it is free. */
export type Unbonding = readonly [amount: Micro, atMs: number];

export function stake(draft: Draft, peer: PeerId, amount: Micro): void {
  needs(draft, peer, amount);
  draft.move(amount, accountOf('free', peer), accountOf('stake', peer), 'staked');
}

export function unstake(draft: Draft, peer: PeerId, amount: Micro): void {
  const staked = draft.balance(accountOf('stake', peer));
  if (amount > staked) throw short(`You have staked ${inCredits(staked)} credits, fewer than that.`);
  draft.move(amount, accountOf('stake', peer), accountOf('unbonding', peer), 'unstaked');
  unbond(draft, peer, amount);
}

/** It is free again after UNBONDING_DAYS, at the end of that day: so a peer has at most one entry a day. */
export function unbond(draft: Draft, peer: PeerId, amount: Micro): void {
  const atMs = (dayOf(draft.ms) + UNBONDING_DAYS + 1) * DAY_MS;
  const entries = unbondingOf(draft, peer);
  const last = entries.at(-1);
  const next: Unbonding[] =
    last !== undefined && last[1] === atMs
      ? entries.with(entries.length - 1, [last[0] + amount, atMs])
      : [...entries, [amount, atMs]];
  draft.set(unbondingKey(peer), next);
}

export function releaseUnbonded(draft: Draft, peer: PeerId): void {
  const entries = unbondingOf(draft, peer);
  const due = entries.filter(([, atMs]) => atMs <= draft.ms);
  if (due.length === 0) throw refused('Nothing of this is free again yet.');
  const amount = due.reduce((sum, [one]) => sum + one, 0);
  draft.move(amount, accountOf('unbonding', peer), accountOf('free', peer), 'released');
  keep(draft, peer, entries.slice(due.length));
}

/** As much of `amount` as `stake` and `unbonding` have, and how much that was: the oldest entries last. */
export function takeBonded(
  draft: Draft,
  peer: PeerId,
  amount: Micro,
  pay: (from: 'stake' | 'unbonding', part: Micro) => void,
): Micro {
  const fromStake = Math.min(amount, draft.balance(accountOf('stake', peer)));
  pay('stake', fromStake);
  const fromUnbonding = Math.min(amount - fromStake, draft.balance(accountOf('unbonding', peer)));
  pay('unbonding', fromUnbonding);
  let left = fromUnbonding;
  const rest = unbondingOf(draft, peer)
    .toReversed()
    .flatMap(([one, atMs]): Unbonding[] => {
      const taken = Math.min(one, left);
      left -= taken;
      return one > taken ? [[one - taken, atMs]] : [];
    });
  if (fromUnbonding > 0) keep(draft, peer, rest.reverse());
  return fromStake + fromUnbonding;
}

export function unbondingOf(draft: Pick<Draft, 'get'>, peer: PeerId): readonly Unbonding[] {
  return (draft.get(unbondingKey(peer)) as readonly Unbonding[] | undefined) ?? [];
}

/** Throws credits_short, with both figures, when the peer has less than that free. */
export function needs(draft: Draft, peer: PeerId, amount: Micro): void {
  const free = draft.balance(accountOf('free', peer));
  if (amount > free) throw short(`This takes ${inCredits(amount)} credits, and you have ${inCredits(free)}.`);
}

function keep(draft: Draft, peer: PeerId, entries: readonly Unbonding[]): void {
  draft.set(unbondingKey(peer), entries.length === 0 ? undefined : entries);
}
