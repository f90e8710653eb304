/** What a report says about an answer: recomputed from its figures by everyone who reads it. */
import type { AuditReport } from './audit-report.ts';
import { calibrationFor, type Calibration } from './calibration.ts';
import { CALIBRATIONS } from './calibration-table.ts';
import { answerEvidence, SUSPECTED_LOG10 } from './wager.ts';

export type Verdict = 'agrees' | 'deviates' | 'unknown';

export interface Judgement {
  readonly verdict: Verdict;
  /** log10 of the e-value: against the provider above 0, for it below. 0 where the verdict is unknown. */
  readonly log10E: number;
  /** One sentence for people. */
  readonly why: string;
}

export function judge(report: AuditReport, rows: readonly Calibration[] = CALIBRATIONS): Judgement {
  const { mode, file, deviations, providerEngine: provider, auditorEngine: auditor } = report;
  if (mode === null) return unknown(`It could not be checked: ${report.reason}`);
  const row = calibrationFor(rows, { provider, auditor, mode, file });
  if (row === null) {
    return unknown(`Nobody has measured yet by how much ${provider} and ${auditor} differ when both are honest.`);
  }
  const log10E = answerEvidence(deviations, row.mean);
  const share = deviations.reduce((sum, one) => sum + (one > 0 ? 1 : 0), 0) / deviations.byteLength;
  const tokens = `${deviations.byteLength} tokens, of which ${Math.round(share * 1_000) / 10} % deviate`;
  return log10E >= SUSPECTED_LOG10
    ? { verdict: 'deviates', log10E, why: `It has ${tokens}: more than honest engines differ.` }
    : { verdict: 'agrees', log10E, why: `It has ${tokens}: no more than honest engines differ.` };
}

function unknown(why: string): Judgement {
  return { verdict: 'unknown', log10E: 0, why };
}
