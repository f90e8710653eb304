/** What follows when an answer is done being checked, to be kept in one go. Pure. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { AuditorState } from '@llmesh/core/proof/auditor-standing';
import type { Level } from '@llmesh/core/wire/audit-messages';
import type { AuditTerms } from './share/audit-terms.ts';
import { isHeard, type AuditorRecords } from './auditors/auditor-records.ts';
import { isDecisive, isKnownAnswer, makerOf } from './auditors/known-answers.ts';
import type { OpenAudit } from './auditors/open-audits.ts';
import { paid, settle, type Finding, type Settled } from './auditors/settle.ts';
import type { KeptStanding } from './kept-standing.ts';
import type { Standings } from './standings.ts';

/** The part of its stake that a convicted provider loses, in percent, where there is no ledger whose votes decide it. */
const SLASHED_PERCENT = 10;
const SLASHED = 'At least two independent auditors found that its answers are not what the file writes.';

export interface Slashing {
  readonly provider: PeerId;
  readonly file: string;
  readonly percent: number;
  readonly reason: string;
}

/** What an audit that is over leads to; null and none: nothing. */
export interface Aftermath {
  readonly receipt: Uint8Array;
  readonly settled: Settled;
  readonly standing: KeptStanding | null;
  readonly auditors: readonly (readonly [PeerId, AuditorState])[];
  readonly slashing: Slashing | null;
  /** Whose reports are paid for, and from when on. */
  readonly fees: { readonly auditors: readonly PeerId[]; readonly fromMs: number };
  /** These were found to lie: they are paid for none of their reports. */
  readonly liars: readonly PeerId[];
}

export interface SettlementNeeds {
  readonly standings: Standings;
  readonly records: AuditorRecords;
  readonly terms: AuditTerms;
  /** There are credits. */
  readonly pays: boolean;
  readonly nowMs: number;
}

/** `before`: how the provider stood with the file. */
export function aftermathOf(audit: OpenAudit, before: Level, needs: SettlementNeeds): Aftermath {
  const { standings, records, terms } = needs;
  if (isKnownAnswer(audit)) return aftermathOfKnown(audit, needs);
  const { receipt, file, model, findings, provider } = audit;
  const settled = settle(findings, terms.platform, audit.auditors.length - findings.length);
  const { judged } = settled;
  const standing = judged.length === 0 ? null : standings.next(provider.peerId, file, model, judged);
  const isSlashed = standing?.level === 'convicted' && before !== 'convicted';
  const slashing = { provider: provider.peerId, file, percent: SLASHED_PERCENT, reason: SLASHED };
  const auditors = records.settled(settled, abstaining(findings), terms.platform);
  return {
    ...{ receipt, settled, standing, auditors, slashing: isSlashed ? slashing : null },
    ...dues(settled, auditors, paid(settled), needs),
  };
}

/** It says what its auditors are worth, and nothing about its provider, who is its maker. */
function aftermathOfKnown(audit: OpenAudit, needs: SettlementNeeds): Aftermath {
  const { records, terms } = needs;
  const maker = audit.provider.peerId;
  const byMaker = makerOf(audit);
  const findings = audit.findings.map((finding) => ({ ...finding, auditor: byMaker(finding.auditor) }));
  const settled = settle(findings, terms.platform, audit.auditors.length - findings.length);
  const isKnown = isDecisive(findings, maker);
  const auditors = isKnown ? records.settled(settled, abstaining(findings), terms.platform) : [];
  const others = paid(settled).filter((peer) => peer !== maker);
  return {
    receipt: audit.receipt,
    // So it is found where convictions are looked up as an answer about which nobody knows anything.
    settled: { ...settled, verdict: 'unknown', log10E: 0 },
    ...{ standing: null, auditors, slashing: null },
    ...dues(settled, auditors, others, needs),
  };
}

function dues(
  { contradicted }: Settled,
  records: Aftermath['auditors'],
  auditors: readonly PeerId[],
  { pays, nowMs, terms }: SettlementNeeds,
): Pick<Aftermath, 'fees' | 'liars'> {
  return {
    fees: { auditors: pays ? auditors : [], fromMs: nowMs + terms.withheldMs },
    liars: contradicted.filter((peer) => records.some(([one, state]) => one === peer && !isHeard(state))),
  };
}

function abstaining(findings: readonly Finding[]): PeerId[] {
  return findings.filter(({ verdict }) => verdict === 'unknown').map(({ auditor }) => auditor);
}
