/** An audit counted again from its file (`bundle.ts`), by anyone, without asking anybody. */
import { MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import { verify } from '../identity/identity.ts';
import { sameBytes } from '../wire/canonical.ts';
import { readReport, type AuditReport } from './audit-report.ts';
import { readBundle } from './bundle.ts';
import { CALIBRATIONS } from './calibration-table.ts';
import type { Calibration } from './calibration.ts';
import { readDraw } from './draw.ts';
import { checkEvidence, readEvidence, type CheckedEvidence, type Evidence } from './evidence.ts';
import { judge, type Judgement, type Verdict } from './verdict.ts';

/** What a report has to be about. */
export type ReportSubject = Pick<
  AuditReport,
  'leaseNonce' | 'provider' | 'model' | 'file' | 'receipt' | 'providerEngine'
>;

export interface Recounted {
  readonly evidence: Evidence;
  readonly checked: CheckedEvidence;
  /** Nobody chose this answer: the mesh that gave the lease drew it. */
  readonly drawn: boolean;
  readonly found: readonly (Judgement & { report: AuditReport })[];
  /** Reports that are not signed by whom they name, or are about another answer. */
  readonly worthless: number;
  readonly verdict: Verdict;
}

export function isAbout(report: AuditReport, subject: ReportSubject): boolean {
  return (
    sameBytes(report.leaseNonce, subject.leaseNonce) &&
    sameBytes(report.receipt, subject.receipt) &&
    report.provider === subject.provider &&
    report.model === subject.model &&
    report.file === subject.file &&
    report.providerEngine === subject.providerEngine
  );
}

/** A report about some tokens of the answer could leave out the others. */
function coversAll({ outcome, deviations }: AuditReport, { tokenIds, padding }: CheckedEvidence): boolean {
  return outcome === 'abstained' || deviations.byteLength === tokenIds.length + padding;
}

/** All who could say something have to agree: one word against another says nothing. */
export function together(found: readonly { verdict: Verdict }[]): Verdict {
  const said = new Set(found.map(({ verdict }) => verdict).filter((verdict) => verdict !== 'unknown'));
  const [only = 'unknown'] = said;
  return said.size === 1 ? only : 'unknown';
}

/** Throws bad_message for what is no such file, and like `checkEvidence` for evidence that does not hold. */
export function recount(file: Uint8Array, rows: readonly Calibration[] = CALIBRATIONS, check = verify): Recounted {
  const bundle = readBundle(file);
  const evidence = bundle === null ? null : readEvidence(bundle.evidence);
  if (bundle === null || evidence === null) {
    throw new MeshError('bad_message', 'This is not the evidence of an audit, or it is damaged. Save it again.');
  }
  const checked = checkEvidence(evidence, null, check);
  const { receipt, lease } = checked;
  const subject = {
    ...evidence.request,
    leaseNonce: receipt.leaseNonce,
    provider: receipt.provider,
    receipt: checked.digest,
    providerEngine: evidence.engine,
  };
  const auditors = new Set<PeerId>();
  const reports = bundle.reports.flatMap((bytes) => {
    const report = readReport(bytes, check);
    if (report === null || !isAbout(report, subject) || !coversAll(report, checked)) return [];
    if (auditors.has(report.auditor)) return [];
    auditors.add(report.auditor);
    return [report];
  });
  const found = reports.map((report) => ({ ...judge(report, rows), report }));
  return {
    evidence,
    checked,
    drawn: readDraw(bundle.draw, lease.issuer, check) !== null,
    found,
    worthless: bundle.reports.length - reports.length,
    verdict: together(found),
  };
}
