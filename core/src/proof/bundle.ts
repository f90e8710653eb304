/**
 * The evidence of one answer with what auditors reported about it, as one file: whoever has it can recompute everything, and
 * needs nobody's word.
 */
import * as v from 'valibot';
import type { PeerId } from '../base/ids.ts';
import { verify } from '../identity/identity.ts';
import { MAX_INPUT_BYTES } from '../protocol.ts';
import { packBody, readBody } from '../wire/body.ts';
import { sameBytes } from '../wire/canonical.ts';
import { MAX_DRAW_BYTES, MAX_REPORT_BYTES } from '../wire/control-protocol.ts';
import { bytes } from '../wire/fields.ts';
import { readReport, type AuditReport } from './audit-report.ts';
import type { Calibration } from './calibration.ts';
import { checkEvidence, readEvidence, type CheckedEvidence } from './evidence.ts';
import { CALIBRATIONS } from './calibration-table.ts';
import { judge, type Judgement } from './verdict.ts';

export const MAX_REPORTS = 16;
export const MAX_BUNDLE_BYTES = MAX_INPUT_BYTES + MAX_DRAW_BYTES + MAX_REPORTS * MAX_REPORT_BYTES + 4_096;

const BundleSchema = v.object({
  /** The format, so that programs know the file. */
  llmesh: v.literal('audit/1'),
  /** Packed: `evidence.ts`. */
  evidence: bytes(MAX_INPUT_BYTES),
  /** The draw that chose the auditors; null: somebody checked it without one. */
  draw: v.nullable(bytes(MAX_DRAW_BYTES)),
  reports: v.pipe(v.array(bytes(MAX_REPORT_BYTES)), v.maxLength(MAX_REPORTS)),
});
export type Bundle = Omit<v.InferOutput<typeof BundleSchema>, 'llmesh'>;

export interface Checked {
  readonly evidence: CheckedEvidence;
  /** Those that are about this answer, each signed by its auditor. */
  readonly reports: readonly (Judgement & { report: AuditReport })[];
  /** Reports that are damaged, or about another answer. */
  readonly strays: number;
}

export function packBundle({ evidence, draw, reports }: Bundle): Uint8Array<ArrayBuffer> {
  return packBody({ llmesh: 'audit/1', evidence, draw, reports });
}

/** Null: these bytes are no such file. Nothing in it is checked yet. */
export function readBundle(packed: Uint8Array): Bundle | null {
  return packed.byteLength <= MAX_BUNDLE_BYTES ? readBody(BundleSchema, packed) : null;
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
