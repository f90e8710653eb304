/** What the auditors of an appeal found together, and what follows from it. Pure. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { EventBody } from '@llmesh/core/ledger/event';
import { appeal as afterAppeal, type StandingState } from '@llmesh/core/proof/standing';
import type { AuditorState } from '@llmesh/core/proof/auditor-standing';
import { isHeard, type AuditorRecords } from './auditors/auditor-records.ts';
import type { FiledFinding } from './auditors/open-audits.ts';
import { settle } from './auditors/settle.ts';
import type { KeptAppeal } from './appeal-table.ts';

/** Auditors who decide an appeal. */
export const APPEAL_AUDITORS = 5;

export interface Judgement {
  readonly appeal: KeptAppeal;
  readonly auditors: readonly (readonly [PeerId, AuditorState])[];
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
  const auditors = records.settled({ judges: [], confirmed, contradicted: wrong }, [], platform);
  const signed = findings.flatMap(({ auditor }) => reports?.get(auditor) ?? []);
  return {
    appeal: { ...appeal, outcome: upheld ? 'upheld' : 'fallen' },
    auditors,
    liars: wrong.filter((peer) => auditors.some(([one, state]) => one === peer && !isHeard(state))),
    due: reports === null ? null : { kind: 'appeal', provider, file, upheld, order, reports: signed },
  };
}
