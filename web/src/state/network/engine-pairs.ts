/** What was found about engines, whichever files they had: who wrote, who checked, and how. */
import type { AuditedPair } from '@llmesh/core/wire/api-pages';

export interface EnginePair extends Pick<
  AuditedPair,
  'provider' | 'auditor' | 'mode' | 'answers' | 'agrees' | 'deviates' | 'unknown' | 'tokens' | 'meanDeviation'
> {
  /** At most so many honest answers in one are taken for wrong; null: not known for some of the files. */
  falsePositivesPerAudit: number | null;
}

/** Most answers first. */
export function enginePairs(pairs: readonly AuditedPair[]): EnginePair[] {
  const found = new Map<string, EnginePair>();
  for (const { provider, auditor, mode, ...pair } of pairs) {
    const key = `${provider} ${auditor} ${mode}`;
    const there = found.get(key);
    const falsePositivesPerAudit = pair.calibrated ? pair.falsePositivesPerAudit : null;
    const one = { provider, auditor, mode, ...pair, falsePositivesPerAudit };
    found.set(key, there === undefined ? one : together(there, one));
  }
  return [...found.values()].toSorted((a, b) => b.answers - a.answers);
}

function together(a: EnginePair, b: EnginePair): EnginePair {
  const tokens = a.tokens + b.tokens;
  const [first, second] = [a.falsePositivesPerAudit, b.falsePositivesPerAudit];
  return {
    ...a,
    answers: a.answers + b.answers,
    agrees: a.agrees + b.agrees,
    deviates: a.deviates + b.deviates,
    unknown: a.unknown + b.unknown,
    tokens,
    meanDeviation: tokens === 0 ? 0 : (a.meanDeviation * a.tokens + b.meanDeviation * b.tokens) / tokens,
    falsePositivesPerAudit: first === null || second === null ? null : Math.max(first, second),
  };
}
