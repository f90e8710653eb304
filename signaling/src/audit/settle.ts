/** What several auditors of one answer found together. Pure. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { Verdict } from '@llmesh/core/proof/verdict';

/** One auditor's finding, as it was recomputed from its report. */
export interface Finding {
  readonly auditor: PeerId;
  readonly verdict: Verdict;
  readonly log10E: number;
}

export interface Settled {
  readonly verdict: Verdict;
  /** The evidence against the provider that counts, in powers of ten; 0 where the verdict is unknown. */
  readonly log10E: number;
  /** How many auditors stand behind it, of whom nobody is related to another. */
  readonly auditors: number;
  /** Those whom the others contradict. */
  readonly contradicted: readonly PeerId[];
  /** Those whom another confirms. */
  readonly confirmed: readonly PeerId[];
}

/**
 * Of two, the smaller evidence counts; of more, what at least half of them found: a liar among them decides nothing. Those
 * that could not check it count neither way. Null: two contradict each other, and a third has to say who is right.
 */
export function settle(findings: readonly Finding[]): Settled | null {
  const told = findings.filter(({ verdict }) => verdict !== 'unknown');
  const [first] = told;
  if (first === undefined) return UNKNOWN;
  const deviating = told.filter(({ verdict }) => verdict === 'deviates');
  const agreeing = told.filter(({ verdict }) => verdict === 'agrees');
  if (deviating.length === agreeing.length) return null;
  const [most, fewest] = deviating.length > agreeing.length ? [deviating, agreeing] : [agreeing, deviating];
  const evidence = told.map(({ log10E }) => log10E).sort((a, b) => b - a);
  return {
    verdict: most[0]!.verdict,
    log10E: evidence[Math.floor(evidence.length / 2)]!,
    auditors: most.length,
    contradicted: fewest.map(({ auditor }) => auditor),
    confirmed: most.length > 1 ? most.map(({ auditor }) => auditor) : [],
  };
}

export const UNKNOWN: Settled = { verdict: 'unknown', log10E: 0, auditors: 0, contradicted: [], confirmed: [] };
