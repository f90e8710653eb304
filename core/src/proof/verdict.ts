/** What a report says about an answer: recomputed from its figures by everyone who reads it. */
import type { AuditReport } from './audit-report.ts';
import { calibrationFor, type Calibration } from './calibration.ts';
import { CALIBRATIONS } from './calibration-table.ts';
import { isTelling, meanDeviation } from './deviation.ts';
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
  const log10E = answerEvidence(deviations, row);
  const mean = meanDeviation(deviations);
  const tokens = deviations.byteLength;
  const found = `Its ${tokens} tokens deviate by ${percent(mean)} on average`;
  const honest = `honest engines like these by up to ${percent(row.mean)}`;
  if (log10E < SUSPECTED_LOG10) return { verdict: 'agrees', log10E, why: `${found}, and ${honest}.` };
  if (mean > row.mean) return { verdict: 'deviates', log10E, why: `${found}, but ${honest}.` };
  const telling = deviations.filter((deviation) => isTelling(mode, deviation)).length;
  const none = `${telling} of its ${tokens} tokens cannot be drawn with this file`;
  return {
    verdict: 'deviates',
    log10E,
    why: `${none}, but of honest engines like these up to ${percent(row.telling)}.`,
  };
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}

function unknown(why: string): Judgement {
  return { verdict: 'unknown', log10E: 0, why };
}
