/**
 * What a conviction costs: a part of the stake, and what was paid for the answers that were found out. It is undone after
 * an appeal by those who had it: the treasury gives back the stake, and the requester what it got back, as far as it has that.
 * The treasury does not stand in for the rest, or a pair could be convicted and pardoned until it is empty; the operator may.
 */
import { toBase32 } from '../../base/base32.ts';
import type { PeerId } from '../../base/ids.ts';
import type { AuditReport } from '../../proof/audit-report.ts';
import { accountOf } from '../account.ts';
import type { Micro } from '../credit.ts';
import { findDelivery, rowOf, type KnownDelivery } from '../delivery.ts';
import type { Draft } from '../draft.ts';
import { noteEarned } from '../earned.ts';
import type { Reverse, Slash } from '../event.ts';
import { deliveryKey, slashKey } from '../keys.ts';
import { parameter, partOf } from '../parameter.ts';
import { refused } from '../refusal.ts';
import { give, giveBack } from './given.ts';
import { takeBonded } from './stake.ts';

/** Nobody is convicted on the word of one. */
const LEAST_REPORTS = 2;
/** Convictions for one file that are remembered. */
const MAX_SLASHES = 16;

/** What was taken and is not given back, the answers that it was taken for, and the appeals that were decided. */
type Slashes = readonly [amount: Micro, nonces: readonly string[], appeals: number];

export function slashesOf(draft: Pick<Draft, 'get'>, provider: PeerId, file: string): Slashes {
  return (draft.get(slashKey(provider, file)) as Slashes | undefined) ?? [0, [], 0];
}

export function slash(draft: Draft, { provider, model, file }: Slash, reports: readonly AuditReport[]): void {
  const nonce = toBase32(reports[0]!.leaseNonce);
  for (const report of reports) {
    if (report.provider !== provider || report.model !== model || report.file !== file)
      throw refused('One of these reports is about another volunteer or another model.');
    if (toBase32(report.leaseNonce) !== nonce) throw refused('These reports are about different answers.');
    if (report.outcome !== 'scored') throw refused('One of these reports says nothing about the answer.');
  }
  const auditors = new Set(reports.map(({ auditor }) => auditor));
  if (auditors.size < Math.max(LEAST_REPORTS, reports.length))
    throw refused('A conviction needs the reports of two auditors.');
  const key = slashKey(provider, file);
  const [already, nonces, appeals] = slashesOf(draft, provider, file);
  if (nonces.includes(nonce)) throw refused('This volunteer was slashed for that answer already.');
  if (nonces.length >= MAX_SLASHES) throw refused('This volunteer was slashed often enough for that model.');
  const bonded = draft.balance(accountOf('stake', provider)) + draft.balance(accountOf('unbonding', provider));
  const most = partOf(bonded, parameter(draft, 'slash'));
  const taken = takeBonded(draft, provider, most, (from, part) =>
    draft.move(part, accountOf(from, provider), 'treasury', 'slashed'),
  );
  draft.set(key, [already + taken, [...nonces, nonce], appeals]);
}

export function reverse(draft: Draft, event: Reverse): void {
  if (event.undo) undoSlash(draft, event);
  const seen = new Set<string>();
  for (const lease of event.leases) {
    const nonce = toBase32(lease);
    const found = findDelivery(draft, nonce, draft.ms);
    if (found === null || found.known.provider !== event.provider)
      throw refused('The ledger knows nothing of one of these answers.');
    if (seen.has(nonce)) throw refused('One of these answers is named twice.');
    seen.add(nonce);
    const after = event.undo ? payAgain(draft, found.known) : takeBack(draft, found.known);
    draft.set(deliveryKey(found.day, nonce), rowOf(after));
  }
}

/** As far as the provider has it: to the requester what it paid the provider, to emission the reward. */
function takeBack(draft: Draft, known: KnownDelivery): KnownDelivery {
  const toRequester = known.toProvider - known.taken;
  const toEmission = known.reward - known.takenReward;
  if (toRequester + toEmission === 0 && known.toProvider > 0)
    throw refused('What was paid for one of these answers was taken back already.');
  const taken = takeFrom(draft, known, toRequester, 'requester');
  noteBoth(draft, known, -taken);
  const takenReward = takeFrom(draft, known, toEmission, 'emission');
  return { ...known, complete: true, taken: known.taken + taken, takenReward: known.takenReward + takenReward };
}

function takeFrom(
  draft: Draft,
  { provider, requester }: KnownDelivery,
  most: Micro,
  to: 'requester' | 'emission',
): Micro {
  const pay = (from: 'free' | 'stake' | 'unbonding', part: Micro) => {
    if (to === 'emission') giveBack(draft, 'tasks', part, { peer: provider, account: from, reason: 'reversed' });
    else draft.move(part, accountOf(from, provider), accountOf('free', requester), 'reversed');
  };
  const free = Math.min(most, draft.balance(accountOf('free', provider)));
  pay('free', free);
  return free + takeBonded(draft, provider, most - free, pay);
}

/** As far as the requester has it now; the rest by another such event, later. */
function payAgain(draft: Draft, known: KnownDelivery): KnownDelivery {
  const payer = accountOf('free', known.requester);
  const again = Math.min(known.taken, draft.balance(payer));
  draft.move(again, payer, accountOf('free', known.provider), 'reversed');
  noteBoth(draft, known, again);
  const reward = give(draft, 'tasks', known.takenReward, {
    ...{ peer: known.provider, account: 'free', reason: 'reversed' },
  });
  return { ...known, taken: known.taken - again, takenReward: known.takenReward - reward };
}

/** Votes follow. */
function noteBoth(draft: Draft, { provider, requester }: KnownDelivery, toProvider: Micro): void {
  if (toProvider === 0) return;
  noteEarned(draft, provider, { net: toProvider });
  noteEarned(draft, requester, { net: -toProvider });
}

function undoSlash(draft: Draft, { provider, file }: Reverse): void {
  const key = slashKey(provider, file);
  const [taken, nonces, appeals] = slashesOf(draft, provider, file);
  const back = Math.min(taken, draft.balance('treasury'));
  draft.move(back, 'treasury', accountOf('stake', provider), 'reversed');
  // What it was slashed for stays known: a won appeal is not followed by the same conviction.
  if (nonces.length > 0) draft.set(key, [taken - back, nonces, appeals]);
}
