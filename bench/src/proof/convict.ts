/** How many checked answers it takes, drawn from answers that were really written and scored. Pure. */
import { levelOf, moreAuditors, NEW_STANDING, record, type Judged } from '@llmesh/core/proof/standing';
import { SUSPECTED_LOG10 } from '@llmesh/core/proof/wager';
import { oneOf, type Random } from './random.ts';
import type { Resampled } from './resampled.ts';

/** Whoever is not convicted by then counts with this. */
export const MOST_AUDITS = 1_000;
/** Honest providers are watched for so long each. */
const AUDITS_A_PROVIDER = 1_000;

/** The log10 of the e-value of each answer: those of a cheat, and honest ones, which it mixes in. */
export interface Answers {
  readonly cheated: readonly number[];
  readonly honest: readonly number[];
}

/** The answers that are checked until the provider is convicted. `share`: how much of its answers it cheats with. */
export function auditsToConvict({ cheated, honest }: Answers, share: number, random: Random): number {
  let standing = NEW_STANDING;
  for (let audits = 1; audits < MOST_AUDITS; audits++) {
    standing = record(standing, judgedBy(oneOf(random() < share ? cheated : honest, random)));
    if (levelOf(standing) === 'convicted') return audits;
  }
  return MOST_AUDITS;
}

export interface HonestRun {
  readonly audits: number;
  readonly convictions: number;
  /** Answers that were said to deviate. */
  readonly falsePositives: number;
}

export function honestRun(answers: Resampled, audits: number, random: Random): HonestRun {
  let convictions = 0;
  let falsePositives = 0;
  let standing = NEW_STANDING;
  let convicted = false;
  for (let audit = 0; audit < audits; audit++) {
    if (audit % AUDITS_A_PROVIDER === 0) {
      standing = NEW_STANDING;
      convicted = false;
    }
    const log10E = answers.evidence(random);
    if (log10E >= SUSPECTED_LOG10) falsePositives += 1;
    standing = record(standing, judgedBy(log10E));
    if (levelOf(standing) !== 'convicted' || convicted) continue;
    convicted = true;
    convictions += 1;
  }
  return { audits, convictions, falsePositives };
}

/** The upper end of the one-sided 95 % interval of a rate (Clopper and Pearson), by bisection of the Poisson tail. */
export function upperBound(events: number, trials: number): number {
  let low = events;
  let high = events + 10 * Math.sqrt(events + 1) + 10;
  for (let i = 0; i < 60; i++) {
    const mean = (low + high) / 2;
    if (poissonTail(events, mean) > 0.05) low = mean;
    else high = mean;
  }
  return high / trials;
}

/** The chance of so few events or fewer. */
function poissonTail(events: number, mean: number): number {
  let term = Math.exp(-mean);
  let sum = term;
  for (let i = 1; i <= events; i++) {
    term *= mean / i;
    sum += term;
  }
  return sum;
}

/** Auditors of the same engine find the same, so that only their number matters. */
function judgedBy(log10E: number): Judged[] {
  const judged: Judged[] = [];
  while (moreAuditors(judged, 0, true) > 0) judged.push({ log10E });
  return judged;
}
