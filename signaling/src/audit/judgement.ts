/** What the auditors of an appeal found together, and what follows from it. Pure. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { EventBody } from '@llmesh/core/ledger/event';
import { appeal as afterAppeal, type StandingState } from '@llmesh/core/proof/standing';
import { isCredible, type AuditorRecord, type AuditorRecords } from './auditor-records.ts';
import type { FiledFinding } from './open-audits.ts';
import { settle } from './settle.ts';
import type { KeptAppeal } from './appeal-table.ts';

/** Auditors who decide an appeal. */
export const APPEAL_AUDITORS = 5;

export interface Judgement {
  readonly appeal: KeptAppeal;
  readonly auditors: readonly (readonly [PeerId, AuditorRecord])[];
  /** They are paid for none of their reports any more. */
  readonly liars: readonly PeerId[];
  /** What the ledger is to hear; null: nothing. */
  readonly due: EventBody | null;
}

export interface Heard {
  readonly appeal: KeptAppeal;
  readonly state: StandingState;
  /** Of the auditors of the appeal who could judge. */
  readonly findings: readonly FiledFinding[];
  /** Of those who had convicted it. */
  readonly accusers: readonly PeerId[];
  readonly platform: ReadonlySet<PeerId>;
  readonly records: AuditorRecords;
  /** The signed reports; null: there are no credits. */
  readonly reports: ReadonlyMap<PeerId, Uint8Array> | null;
}

export function judgementOf({ appeal, state, findings, accusers, platform, records, reports }: Heard): Judgement {
  const { judged, confirmed, contradicted } = settle(findings, platform);
  const upheld = afterAppeal(state, judged) === state;
  const wrong = upheld ? contradicted : [...contradicted, ...accusers];
  const { provider, file, order } = appeal;
  const signed = findings.flatMap(({ auditor }) => reports?.get(auditor) ?? []);
  return {
    appeal: { ...appeal, outcome: upheld ? 'upheld' : 'fallen' },
    auditors: [
      ...confirmed.map((peer) => [peer, records.with(peer, 'agreed')] as const),
      ...wrong.map((peer) => [peer, records.with(peer, 'against')] as const),
    ],
    liars: wrong.filter((peer) => !isCredible(records.with(peer, 'against'))),
    due: reports === null ? null : { kind: 'appeal', provider, file, upheld, order, reports: signed },
  };
}
