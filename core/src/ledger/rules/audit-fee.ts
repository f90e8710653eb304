/**
 * An auditor is paid for its report, the same whatever it says; a tenth for saying that it could not judge. It is paid out of what
 * the answers of the same provider have put aside for checks: a ring that has its own answers checked, by itself, gets back
 * no more than it has paid.
 */
import { toBase32 } from '../../base/base32.ts';
import type { PeerId } from '../../base/ids.ts';
import type { AuditReport } from '../../proof/audit-report.ts';
import { accountOf } from '../account.ts';
import type { Draft } from '../draft.ts';
import { findDelivery } from '../delivery.ts';
import { noteEarned } from '../earned.ts';
import { checksKey, feesKey } from '../keys.ts';
import { parameter } from '../parameter.ts';
import { refused, short } from '../refusal.ts';

/** Reports of one delivery that are paid: five auditors, and five others after an appeal. */
export const MAX_PAID_REPORTS = 10;
const PART_OF_ABSTENTION = 10;
/**
 * A fee is at most this part of what the answer cost, and nothing where it was free: otherwise friends of auditors would
 * make cheap answers in order to have them checked. Reading an answer takes a twentieth of writing it.
 */
const PART_OF_ANSWER = 4;

export function payAuditor(draft: Draft, { leaseNonce, provider, auditor, outcome }: AuditReport): void {
  const nonce = toBase32(leaseNonce);
  const found = findDelivery(draft, nonce, draft.ms);
  if (found === null || found.known.own === 0) throw short('That answer was free, and so is checking it.');
  const { known, day } = found;
  if (known.provider !== provider) throw refused('Somebody else gave the answer of this report.');
  if (known.requester === auditor) throw refused('This report is by the one who got the answer.');
  const key = feesKey(day, nonce);
  const paid = (draft.get(key) as readonly PeerId[] | undefined) ?? [];
  if (paid.includes(auditor)) throw refused('This report was paid for already.');
  if (paid.length >= MAX_PAID_REPORTS) throw refused('Enough reports of this answer were paid for.');
  const full = Math.min(parameter(draft, 'audit-fee'), Math.floor(known.own / PART_OF_ANSWER));
  const fee = outcome === 'scored' ? full : Math.floor(full / PART_OF_ABSTENTION);
  const checks = checksKey(provider);
  const amount = Math.min(fee, draft.number(checks), draft.balance('auditors'));
  if (amount === 0) throw short('The answers of this volunteer have put nothing aside for checks yet.');
  draft.move(amount, 'auditors', accountOf('free', auditor), 'audit-fee');
  draft.set(checks, draft.number(checks) - amount);
  draft.set(key, [...paid, auditor]);
  noteEarned(draft, auditor, { audits: amount });
}
