/** What several auditors of one answer found together. Pure. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { Judged } from '@llmesh/core/proof/standing';
import type { Verdict } from '@llmesh/core/proof/verdict';

/** One auditor's finding, as it was recomputed from its report. */
export interface Finding {
  readonly auditor: PeerId;
  readonly verdict: Verdict;
  readonly log10E: number;
}

export interface Settled {
  /** `deviates`: everyone who could check it says so. `unknown`: nobody could, or most say so and another does not. */
  readonly verdict: Verdict;
  /** The least evidence that any of them found, in powers of ten: that counts. 0: nobody could check it. */
  readonly log10E: number;
  /** What counts for the standing of the provider. */
  readonly judged: readonly Judged[];
  /** Who could judge it, in the same order. */
  readonly judges: readonly PeerId[];
  /** Those whom most others contradict, and those whom they confirm. */
  readonly contradicted: readonly PeerId[];
  readonly confirmed: readonly PeerId[];
}

/**
 * Those who could not check it count neither way. `silent`: auditors that were drawn, too, and said nothing. Perhaps the
 * requester, who is to send them the evidence, sent it to friends only: then no stranger's word counts.
 */
export function settle(findings: readonly Finding[], platform: ReadonlySet<PeerId>, silent = 0): Settled {
  const told = findings.filter(
    ({ verdict, auditor }) => verdict !== 'unknown' && (silent === 0 || platform.has(auditor)),
  );
  const against = told.filter(({ verdict }) => verdict === 'deviates');
  const forIt = told.filter(({ verdict }) => verdict === 'agrees');
  const split = against.length > 0 && forIt.length > 0;
  const [most, fewest] = against.length > forIt.length ? [against, forIt] : [forIt, against];
  // One word against one tells nobody which of them lies.
  const isClear = most.length > 1 && most.length > fewest.length;
  return {
    verdict: told.length === 0 || (split && !(isClear && most === forIt)) ? 'unknown' : most[0]!.verdict,
    log10E: told.length === 0 ? 0 : Math.min(...told.map(({ log10E }) => log10E)),
    judged: told.map(({ auditor, log10E }) => ({ log10E, platform: platform.has(auditor) })),
    judges: told.map(({ auditor }) => auditor),
    contradicted: isClear ? fewest.map(({ auditor }) => auditor) : [],
    confirmed: isClear ? most.map(({ auditor }) => auditor) : [],
  };
}

/**
 * Whose reports are paid for: of those who found the same, independently of each other, where that became the verdict; or of
 * the only one who could judge. Who could not check is paid nothing, and neither is anybody whom others heard and nobody
 * confirms; which verdict it is, does not matter.
 */
export function paid({ verdict, judges, confirmed }: Settled): readonly PeerId[] {
  if (verdict === 'unknown') return [];
  return judges.length === 1 ? judges : confirmed;
}
