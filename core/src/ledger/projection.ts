/**
 * What events do: the one place that says so, for the control plane, for `llmesh verify`, and for any stranger who
 * recounts the log. Pure: the same events lead to the same state, wherever and whenever they are applied.
 */
import type { PeerId } from '../base/ids.ts';
import { verify } from '../identity/identity.ts';
import { Draft } from './draft.ts';
import { epochOf } from './emission.ts';
import type { LedgerEvent } from './event.ts';
import { readEvidence, type Evidence } from './evidence.ts';
import { AT, ISSUER } from './keys.ts';
import type { Posting } from './posting.ts';
import { refused } from './refusal.ts';
import { settleAppeal } from './rules/appeal.ts';
import { payAuditor } from './rules/audit-fee.ts';
import { reverse, slash } from './rules/conviction.ts';
import { earn } from './rules/earning.ts';
import { allow, grant } from './rules/gift.ts';
import { found } from './rules/founding.ts';
import { refund, reserve } from './rules/hold.ts';
import { carryOut } from './rules/ordered.ts';
import { releaseUnbonded } from './rules/stake.ts';
import { payStorage } from './rules/storage.ts';
import { payUptime } from './rules/uptime.ts';
import { enact } from './rules/voting.ts';
import type { LedgerState } from './state.ts';

/** Before the first event: whose leases and orders count. Throws order_refused where it is another's ledger. */
export function begin(state: LedgerState, issuer: PeerId): void {
  const known = state.get(ISSUER);
  if (known !== undefined && known !== issuer) throw refused('This is the ledger of another mesh.');
  state.set(ISSUER, issuer);
}

/** How many events were applied. */
export function sizeOf(state: LedgerState): number {
  return (state.get(AT) as readonly number[] | undefined)?.[0] ?? 0;
}

/**
 * Applies the event at this place of the log. Returns what it did to the accounts, which sums to zero. Throws
 * order_refused, credits_short or receipt_refused where it is not allowed; then the state is as it was. `check`: as
 * strict as `verify`; or one that says yes, where the signatures were checked before.
 */
export function apply(state: LedgerState, event: LedgerEvent, index: number, check = verify): readonly Posting[] {
  return applyEvidence(state, readEvidence(event, check), index);
}

/** `apply`, for what `readEvidence` has read. */
export function applyEvidence(state: LedgerState, evidence: Evidence, index: number): readonly Posting[] {
  const [size, lastMs, first] = (state.get(AT) as readonly [number, number, number] | undefined) ?? [0, 0, null];
  if (index !== size) throw refused(`The next event of this ledger is number ${size}, not ${index}.`);
  if (evidence.ms < lastMs) throw refused('This event is dated before the one that it follows.');
  const draft = new Draft(state, index, evidence.ms);
  draft.set(AT, [size + 1, evidence.ms, first ?? epochOf(evidence.ms)]);
  follow(draft, evidence);
  draft.commit();
  return draft.postings;
}

function follow(draft: Draft, evidence: Evidence): void {
  switch (evidence.kind) {
    case 'genesis':
      return found(draft, evidence.genesis);
    case 'reserve':
      return reserve(draft, evidence);
    case 'earn':
      return earn(draft, evidence.delivery);
    case 'refund':
      return refund(draft, evidence);
    case 'uptime':
      return payUptime(draft, evidence);
    case 'storage':
      return payStorage(draft, evidence);
    case 'audit-fee':
      return payAuditor(draft, evidence.report);
    case 'allowance':
      return allow(draft, evidence);
    case 'grant':
      return grant(draft, evidence);
    case 'order':
      return carryOut(draft, evidence.order);
    case 'release':
      return releaseUnbonded(draft, evidence.peer);
    case 'slash':
      return slash(draft, evidence.slash, evidence.reports);
    case 'reverse':
      return reverse(draft, evidence);
    case 'appeal':
      return settleAppeal(draft, evidence.appeal, evidence.order, evidence.reports);
    case 'enact':
      return enact(draft, evidence);
    default:
      return evidence satisfies never;
  }
}
