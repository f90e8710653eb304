/**
 * What proof of compute finds, and what it costs: a small trained model that says something else each time, lent honestly and
 * by cheats, checked by other engines with the honest file. Everything is written and scored by llama.cpp, and judged by the
 * functions that the mesh uses; how many answers are checked until somebody is convicted is drawn from those answers.
 */
import { calibrationFor } from '@llmesh/core/proof/calibration';
import { CALIBRATIONS } from '@llmesh/core/proof/calibration-table';
import type { ScoreMode } from '@llmesh/core/proof/score';
import { answerEvidence, type HonestNoise } from '@llmesh/core/proof/wager';
import { percentile } from '../statistics.ts';
import { syntheticModel } from '../synthetic-model.ts';
import type { Deviations } from './answers.ts';
import { attacks, MODES, POLICIES, SMALLER, type Attack } from './attacks.ts';
import { auditsToConvict, honestRun, upperBound, type HonestRun } from './convict.ts';
import { costOf, EXPECTED_AUDITORS } from './cost.ts';
import { noiseOf } from './noise.ts';
import { HONEST, Pools, truth, type PoolOptions } from './pools.ts';
import { readings } from './reading.ts';
import { Resampled } from './resampled.ts';

/** The share of answers that are checked. */
const AUDITED_SHARE = 0.02;
const ENGINE = 'llama.cpp/cpu';
const ENGINES = `${ENGINE} ↔ ${ENGINE}`;

export interface ProofOptions extends PoolOptions {
  /** Honest answers of each mode. */
  answers: number;
  /** Answers of each cheat. */
  cheated: number;
  runs: number;
  audits: number;
}

interface Noise {
  allowed: HonestNoise;
  evidence: number[];
  run: HonestRun;
}

export async function proof(options: ProofOptions) {
  const pools = await Pools.open(options);
  try {
    const noise = new Map<ScoreMode, Noise>();
    for (const mode of MODES) noise.set(mode, await honest(pools, mode, options));
    const found = [];
    for (const one of attacks()) found.push(...(await attacked(pools, one, noise.get(one.mode)!, options)));
    const cost = await costs(options);
    const runs = [...noise.values()].map(({ run }) => run);
    const audits = runs.reduce((sum, run) => sum + run.audits, 0);
    const falsePositives = runs.reduce((sum, run) => sum + run.falsePositives, 0);
    return {
      bench: 'proof',
      attacks: found,
      falsePositivesPerAudit: rounded(upperBound(falsePositives, audits)),
      honestConvictions: runs.reduce((sum, run) => sum + run.convictions, 0),
      ...cost,
    };
  } finally {
    await pools.close();
  }
}

async function honest(pools: Pools, mode: ScoreMode, options: ProofOptions): Promise<Noise> {
  const pool = await pools.of({ attack: HONEST, mode, cheat: truth, cheap: 'large-q8', count: options.answers });
  // What the mesh goes by; where it has no row yet, what was just measured.
  const worst = noiseOf(pool, mode);
  const allowed = calibrationFor(CALIBRATIONS, { provider: ENGINE, auditor: ENGINE, mode, file: '' }) ?? worst;
  const evidence = pool.map((one) => answerEvidence(one, allowed));
  const run = honestRun(new Resampled(pool, allowed), options.audits, Math.random);
  const tokens = pool.reduce((sum, one) => sum + one.length, 0);
  const wrong = pool.reduce((sum, one) => sum + one.filter((s) => s > 0).length, 0);
  const largest = pool.reduce((most, one) => Math.max(most, ...one), 0);
  say(
    `honest, ${mode}: ${pool.length} answers of ${tokens} tokens, ${wrong} of them deviate, by at most ${largest}/255; of which the worst has a mean of ${worst.mean.toPrecision(3)}, and ${allowed.mean.toPrecision(3)} is allowed; ` +
      `the worst share of telling tokens is ${worst.telling.toPrecision(3)}, and ${allowed.telling.toPrecision(3)} is allowed; ` +
      `of ${run.audits} simulated audits ${run.falsePositives} say that it deviates, ${run.convictions} providers convicted`,
  );
  return { allowed, evidence, run };
}

async function attacked(pools: Pools, one: Attack, noise: Noise, options: ProofOptions) {
  const pool = await pools.of({ ...one, count: options.cheated });
  const cheated = pool.map((answer) => answerEvidence(answer, noise.allowed));
  const wrong = percentile(pool.map(shareWrong), 50);
  const policies = one.attack === SMALLER ? POLICIES : [];
  return [{ attack: one.attack, share: 1 }, ...policies].map(({ attack, share }) => {
    const run = () => auditsToConvict({ cheated, honest: noise.evidence }, share, Math.random);
    const audits = Array.from({ length: options.runs }, run);
    const [auditsMedian, auditsP95] = [percentile(audits, 50), percentile(audits, 95)];
    say(
      `${attack}, ${one.mode}: ${auditsMedian} audits (p95 ${auditsP95}); ${wrong} % of its tokens deviate, ` +
        `log10 e of an answer ${percentile(cheated, 50)} (p5 ${percentile(cheated, 5)})`,
    );
    return { attack, pair: `${ENGINES}, ${one.mode}`, auditsMedian, auditsP95 };
  });
}

function shareWrong(answer: Deviations): number {
  return (100 * answer.filter((deviation) => deviation > 0).length) / answer.length;
}

/** As shares of writing, with a model as slow as real ones, and what llama.cpp itself takes to read. */
async function costs({ tokens, threads }: ProofOptions) {
  const ratio = await costOf('synthetic', tokens, threads);
  const limits = await readings(await syntheticModel(), threads, 1);
  say(`reading an answer as auditors do costs ${rounded(ratio)} of writing it`);
  for (const { atOnce, raw, told, noise } of limits) {
    say(
      `llama.cpp alone, ${atOnce} at once: ${raw} of writing, ${told} with its odds, which differ by at most ${noise}`,
    );
  }
  const auditedCost = rounded(EXPECTED_AUDITORS * ratio);
  return { auditedCost, totalCost: rounded(auditedCost * AUDITED_SHARE), rawCost: limits[0]!.raw };
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
