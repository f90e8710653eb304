/**
 * What audits measured for each pair of engines, whether or not its honest noise is known: how many answers agreed, and
 * how far answers deviate. Where no calibration exists yet, this is what one is made from.
 */
import { meanDeviation } from '@llmesh/core/proof/deviation';
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { EngineName } from '@llmesh/core/proof/engine-name';
import type { Calibration } from '@llmesh/core/proof/calibration';
import type { ScoreMode } from '@llmesh/core/proof/score';
import type { Verdict } from '@llmesh/core/proof/verdict';
import type { AuditedPair } from '@llmesh/core/wire/api-pages';

export interface PairKey {
  readonly provider: EngineName;
  readonly auditor: EngineName;
  readonly mode: ScoreMode;
  readonly file: string;
}

export interface PairFigures extends PairKey {
  readonly agrees: number;
  readonly deviates: number;
  readonly unknown: number;
  readonly tokens: number;
  /** The sum of their deviations, each token's 0 to 1. */
  readonly deviation: number;
  /** Answers by their mean deviation; see `binOf`. */
  readonly histogram: readonly number[];
}

/** Of more pairs, those that were measured longest ago are forgotten: files are free to name. */
export const MAX_PAIRS = 1_024;
/** The first bin is for answers without any deviation, each other one for twice the deviation of the one before. */
export const BINS = 16;

/** The bin of an answer with this mean deviation, 0 to 1: the last one is for more than a half. */
export function binOf(mean: number): number {
  return mean <= 0 ? 0 : Math.max(1, Math.min(BINS - 1, BINS + Math.floor(Math.log2(mean))));
}

/** Where a bin ends. */
export function upperEdge(bin: number): number {
  return bin === 0 ? 0 : 2 ** (bin + 1 - BINS);
}

export class PairTable {
  readonly #pairs = new BoundedMap<string, PairFigures>(MAX_PAIRS);

  constructor(kept: Iterable<PairFigures>) {
    for (const pair of kept) this.put(pair);
  }

  all(): PairFigures[] {
    return [...this.#pairs.values()];
  }

  /** The figures with one more answer, to be kept and `put`. `deviations`: a byte for each of its tokens. */
  counted(key: PairKey, verdict: Verdict, deviations: Uint8Array): PairFigures {
    const before = this.#pairs.get(nameOf(key)) ?? {
      ...NOTHING,
      ...key,
      histogram: Array.from({ length: BINS }, () => 0),
    };
    const mean = meanDeviation(deviations);
    const bin = binOf(mean);
    return {
      ...before,
      [verdict]: before[verdict] + 1,
      tokens: before.tokens + deviations.length,
      deviation: before.deviation + mean * deviations.length,
      histogram: before.histogram.map((count, i) => (i === bin ? count + 1 : count)),
    };
  }

  put(pair: PairFigures): void {
    this.#pairs.set(nameOf(pair), pair);
  }
}

/** For the page. */
export function auditedPair({ deviation, ...pair }: PairFigures, row: Calibration | null): AuditedPair {
  const answers = pair.agrees + pair.deviates + pair.unknown;
  return {
    ...pair,
    histogram: [...pair.histogram],
    answers,
    meanDeviation: pair.tokens === 0 ? 0 : deviation / pair.tokens,
    calibrated: row !== null,
    // None of the honest answers that were measured was taken for wrong: the rule of three.
    falsePositivesPerAudit: row === null ? null : Math.min(1, 3 / Math.max(1, row.answers)),
  };
}

/** The bins as they were written; of another number of bins, none. */
export function readHistogram(json: string): number[] {
  const read: unknown = JSON.parse(json);
  const right = Array.isArray(read) && read.length === BINS && read.every((count) => Number.isSafeInteger(count));
  return right ? (read as number[]) : Array.from({ length: BINS }, () => 0);
}

const NOTHING = { agrees: 0, deviates: 0, unknown: 0, tokens: 0, deviation: 0 };

function nameOf({ provider, auditor, mode, file }: PairKey): string {
  return `${provider} ${auditor} ${mode} ${file}`;
}
