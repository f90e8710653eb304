/** An auditor is paid for its report, the same whatever it says; a tenth for saying that it could not judge. */
import { toBase32 } from '../../base/base32.ts';
import type { PeerId } from '../../base/ids.ts';
import type { AuditReport } from '../../proof/audit-report.ts';
import { accountOf } from '../account.ts';
import type { Draft } from '../draft.ts';
import { findDelivery } from '../delivery.ts';
import { noteEarned } from '../earned.ts';
import { feesKey } from '../keys.ts';
import { parameter } from '../parameter.ts';
import { refused, short } from '../refusal.ts';

/** Reports of one delivery that are paid: five auditors, and five others after an appeal. */
export const MAX_PAID_REPORTS = 10;
const PART_OF_ABSTENTION = 10;

export function payAuditor(draft: Draft, { leaseNonce, provider, auditor, outcome }: AuditReport): void {
  const nonce = toBase32(leaseNonce);
  const found = findDelivery(draft, nonce, draft.ms);
  if (found === null || found.known.provider !== provider)
    throw refused('The ledger knows nothing of the answer that this report is about.');
  if (found.known.requester === auditor) throw refused('This report is by the one who got the answer.');
  const key = feesKey(found.day, nonce);
  const paid = (draft.get(key) as readonly PeerId[] | undefined) ?? [];
  if (paid.includes(auditor)) throw refused('This report was paid for already.');
  if (paid.length >= MAX_PAID_REPORTS) throw refused('Enough reports of this answer were paid for.');
  const full = parameter(draft, 'audit-fee');
  const fee = outcome === 'scored' ? full : Math.floor(full / PART_OF_ABSTENTION);
  const amount = Math.min(fee, draft.balance('auditors'));
  if (amount === 0) throw short('There is nothing to pay auditors with at present.');
  draft.move(amount, 'auditors', accountOf('free', auditor), 'audit-fee');
  draft.set(key, [...paid, auditor]);
  noteEarned(draft, auditor, { audits: amount });
}
