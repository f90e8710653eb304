/** What a file of an answer that was checked says, recomputed: nobody's word for it is taken. */
import type { PeerId } from '../base/ids.ts';
import { verify } from '../identity/identity.ts';
import { sameBytes } from '../wire/canonical.ts';
import { readReport, type AuditReport } from './audit-report.ts';
import type { Bundle } from './bundle.ts';
import type { Calibration } from './calibration.ts';
import { CALIBRATIONS } from './calibration-table.ts';
import { checkEvidence, readEvidence, type CheckedEvidence } from './evidence.ts';
import { judge, type Judgement } from './verdict.ts';

export interface Checked {
  readonly evidence: CheckedEvidence;
  /** Those that are about this answer, each signed by its auditor. */
  readonly reports: readonly (Judgement & { report: AuditReport })[];
  /** Reports that are damaged, or about another answer. */
  readonly strays: number;
}

/** Throws like `checkEvidence`, and receipt_refused where the evidence cannot be read. */
export function checkBundle(
  { evidence: packed, reports }: Bundle,
  issuer: PeerId | null,
  rows: readonly Calibration[] = CALIBRATIONS,
  check = verify,
): Checked {
  const evidence = checkEvidence(readEvidence(packed), issuer, check);
  const fitting = reports.flatMap((bytes) => {
    const report = readReport(bytes, check);
    return report !== null && isAbout(report, evidence) ? [{ report, ...judge(report, rows) }] : [];
  });
  return { evidence, reports: fitting, strays: reports.length - fitting.length };
}

/** Is this report about this answer, and about all of it that is checked? */
export function isAbout(report: AuditReport, { receipt, digest, file, engine, ...written }: CheckedEvidence): boolean {
  return (
    sameBytes(report.receipt, digest) &&
    sameBytes(report.leaseNonce, receipt.leaseNonce) &&
    report.provider === receipt.provider &&
    report.model === receipt.model &&
    report.file === file &&
    report.providerEngine === engine &&
    (report.outcome === 'abstained' || report.deviations.byteLength === written.tokenIds.length + written.padding)
  );
}
