/**
 * How much is audited, and at what cost: every number of the audits in one place. Operators set `share`, `epochMs` and
 * the platform auditors; the rest follows.
 */
import type { PeerId } from '@llmesh/core/base/ids';
import type { LedgerPort } from '../../ledger/ledger-port.ts';

export interface AuditTerms {
  /** The share of answers that is audited, 0 to 1; 0: none. */
  readonly share: number;
  /** Receipts are gathered this long; then one draw decides about all of them. */
  readonly epochMs: number;
  /** The operator's own auditors, which are independent of everybody wherever they stand. */
  readonly platform: ReadonlySet<PeerId>;
  /** The share of answers that a second auditor reads whatever the first one finds, 0 to 1: so auditors are checked themselves. */
  readonly confirmed: number;
  /** A provider's answers with a file are audited more often until so many were checked; then the share falls fast. */
  readonly newcomers: { readonly share: number; readonly checks: number };
  /** The share for those whose answers were found wrong, until they are cleared or banned. */
  readonly suspects: number;
  /** How long one must have offered a file to audit it, unless the operator named it: identities are free. */
  readonly tenureMs: number;
  /** What one audit costs, as a share of writing the answer, as measured on a processor: see docs/proof.md. */
  readonly cost: number;
  /**
   * What all audits may cost, as a share of all writing, for each point of `share`: half of it goes to the usual share,
   * half to newcomers and suspects, so that neither uses up what the other needs.
   */
  readonly budget: number;
  /**
   * What audits of newcomers and suspects may take besides, as a share of the time of computers that could audit and have nothing
   * else to do, at the pace of a slow one.
   */
  readonly idle: number;
  /** How long the auditors have: then what has come counts. A requester keeps its evidence for a quarter of an hour. */
  readonly patienceMs: number;
  /** The time between two questions to a quarantined provider whose owner wants it tested again. */
  readonly retestMs: number;
  /** So long a fee is withheld: an auditor that is found to lie meanwhile loses it. */
  readonly withheldMs: number;
}

export const AUDIT_TERMS: AuditTerms = {
  share: 0.02,
  epochMs: 10_000,
  platform: new Set(),
  confirmed: 1 / 4,
  newcomers: { share: 0.5, checks: 2 },
  suspects: 0.5,
  tenureMs: 600_000,
  cost: 0.33,
  // At 2 % of the answers, 0.5 % of all writing.
  budget: 0.25,
  idle: 0.04,
  patienceMs: 600_000,
  retestMs: 20_000,
  withheldMs: 86_400_000,
};

/** Where the operator left the share as it is, those who have earned credits decide it: it is the one in force at any time. */
export function votedTerms(terms: AuditTerms, ledger: Pick<LedgerPort, 'mode' | 'parameter'>): AuditTerms {
  if (ledger.mode === 'off' || terms.share !== AUDIT_TERMS.share) return terms;
  return {
    ...terms,
    get share() {
      return ledger.parameter('audit-share') / 1_000;
    },
  };
}

/** What counts as reading in units of writing: about this many are read in the time that one takes to write. */
export const READ_PER_WRITTEN = 20;

/** What an answer took, in units of writing. */
export function workOf({ inputUnits, units }: { inputUnits: number; units: number }): number {
  return units + inputUnits / READ_PER_WRITTEN;
}
