/**
 * An appeal is decided: whoever lost it pays the auditors. A provider that is rightly convicted pays of what it has at stake,
 * then of what is free; where there is too little, the auditors get less, and nobody stands in for it. Where the conviction
 * falls, the treasury pays. What was slashed and taken back is given back by `reverse`.
 */
import { toBase32 } from '../../base/base32.ts';
import type { PeerId } from '../../base/ids.ts';
import type { AuditReport } from '../../proof/audit-report.ts';
import { accountOf, type Account } from '../account.ts';
import { findDelivery } from '../delivery.ts';
import type { Draft } from '../draft.ts';
import { noteEarned } from '../earned.ts';
import type { Appeal } from '../event.ts';
import { ISSUER, slashKey } from '../keys.ts';
import type { Order } from '../order.ts';
import { parameter } from '../parameter.ts';
import { refused } from '../refusal.ts';
import { paidBefore } from './audit-fee.ts';
import { slashesOf } from './conviction.ts';
import { takeBonded } from './stake.ts';

/** Fewer decide nothing. */
const LEAST_REPORTS = 3;

export function settleAppeal(
  draft: Draft,
  { provider, file, upheld }: Appeal,
  order: Order,
  reports: readonly AuditReport[],
): void {
  if (order.kind !== 'appeal' || order.by !== provider || order.issuer !== draft.get(ISSUER))
    throw refused('This volunteer has not appealed.');
  const nonce = toBase32(reports[0]!.leaseNonce);
  const [taken, nonces, appeals] = slashesOf(draft, provider, file);
  if (!nonces.includes(nonce)) throw refused('This volunteer was not slashed for that answer.');
  if (appeals >= nonces.length) throw refused('An appeal against this conviction was decided already.');
  const { key, auditors: before } = paidBefore(draft, nonce);
  const auditors = checkedAuditors(reports, { provider, file, nonce, before });
  const requester = findDelivery(draft, nonce, draft.ms)?.known.requester;
  if (requester !== undefined && auditors.includes(requester))
    throw refused('One of these reports is by the one who got the answer.');
  const fee = parameter(draft, 'audit-fee');
  for (const auditor of auditors) {
    const paid = upheld ? payOfProvider(draft, provider, auditor, fee) : payOf(draft, 'treasury', auditor, fee);
    noteEarned(draft, auditor, { audits: paid });
  }
  draft.set(key, [...before, ...auditors]);
  draft.set(slashKey(provider, file), [taken, nonces, appeals + 1]);
}

interface Subject {
  readonly provider: PeerId;
  readonly file: string;
  readonly nonce: string;
  /** Auditors of the answer who were paid before. */
  readonly before: readonly PeerId[];
}

function checkedAuditors(reports: readonly AuditReport[], { provider, file, nonce, before }: Subject): PeerId[] {
  for (const report of reports) {
    if (report.provider !== provider || report.file !== file || toBase32(report.leaseNonce) !== nonce)
      throw refused('One of these reports is about another answer.');
    if (report.outcome !== 'scored') throw refused('One of these reports says nothing about the answer.');
  }
  const auditors = [...new Set(reports.map(({ auditor }) => auditor))];
  if (auditors.length < Math.max(LEAST_REPORTS, reports.length))
    throw refused('An appeal is decided by three auditors or more.');
  if (auditors.some((auditor) => before.includes(auditor)))
    throw refused('One of these auditors had checked that answer before.');
  return auditors;
}

function payOfProvider(draft: Draft, provider: PeerId, auditor: PeerId, fee: number): number {
  const bonded = takeBonded(draft, provider, fee, (from, part) =>
    draft.move(part, accountOf(from, provider), accountOf('free', auditor), 'appeal', 'audit-fee'),
  );
  return bonded + payOf(draft, accountOf('free', provider), auditor, fee - bonded);
}

/** As far as it is there; how much that was. */
function payOf(draft: Draft, from: Account, auditor: PeerId, most: number): number {
  const paid = Math.min(most, draft.balance(from));
  draft.move(paid, from, accountOf('free', auditor), 'appeal', 'audit-fee');
  return paid;
}
