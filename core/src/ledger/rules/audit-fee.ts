/**
 * An auditor is paid for its report, the same whatever it says, and nothing for saying that it could not judge. It is paid out of what
 * the answers of the same provider have put aside for checks: a ring that has its own answers checked, by itself, gets back
 * no more than it has paid. Whether others found the same, the control plane looks at before.
 */
import { toBase32 } from '../../base/base32.ts';
import type { PeerId } from '../../base/ids.ts';
import type { AuditReport } from '../../proof/audit-report.ts';
import { accountOf } from '../account.ts';
import type { Draft } from '../draft.ts';
import { findDelivery } from '../delivery.ts';
import { noteEarned } from '../earned.ts';
import { checksKey, dayOf, feesKey, forgottenDay } from '../keys.ts';
import { parameter } from '../parameter.ts';
import { refused, short } from '../refusal.ts';

/** Reports of one delivery that are paid: five auditors, and five others after an appeal. */
export const MAX_PAID_REPORTS = 10;

export function payAuditor(draft: Draft, { leaseNonce, provider, auditor, outcome }: AuditReport): void {
  const nonce = toBase32(leaseNonce);
  // Null: that answer was free, and the ledger has none of those.
  const known = findDelivery(draft, nonce, draft.ms)?.known ?? null;
  if (known !== null && known.provider !== provider) throw refused('Somebody else gave the answer of this report.');
  if (known?.requester === auditor) throw refused('This report is by the one who got the answer.');
  const { key, auditors } = paidBefore(draft, nonce);
  if (auditors.includes(auditor)) throw refused('This report was paid for already.');
  if (auditors.length >= MAX_PAID_REPORTS) throw refused('Enough reports of this answer were paid for.');
  if (outcome !== 'scored') throw refused('This report says nothing about the answer.');
  const fee = parameter(draft, 'audit-fee');
  const checks = checksKey(provider);
  const amount = Math.min(fee, draft.number(checks), draft.balance('auditors'));
  if (amount === 0) throw short('The answers of this volunteer have put nothing aside for checks yet.');
  draft.move(amount, 'auditors', accountOf('free', auditor), 'audit-fee');
  draft.set(checks, draft.number(checks) - amount);
  draft.set(key, [...auditors, auditor]);
  noteEarned(draft, auditor, { audits: amount });
}

/** Who was paid for reports of this answer, by the day of the first of them. */
export function paidBefore(draft: Draft, nonce: string): { key: string; auditors: readonly PeerId[] } {
  const today = dayOf(draft.ms);
  for (let day = today; day >= forgottenDay(draft.ms); day--) {
    const auditors = draft.get(feesKey(day, nonce)) as readonly PeerId[] | undefined;
    if (auditors !== undefined) return { key: feesKey(day, nonce), auditors };
  }
  return { key: feesKey(today, nonce), auditors: [] };
}
