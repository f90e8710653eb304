/**
 * What proof of compute finds, and what it costs: a small trained model that says something else each time, lent honestly and
 * by cheats, checked by other engines with the honest file. Everything is written and scored by llama.cpp, and judged by the
 * functions that the mesh uses; how many answers are checked until somebody is convicted is drawn from those answers.
 */
import { CHEATS, written, type Cheat, type CheatEngines } from '@llmesh/core/suites/cheats';
import type { ScoreMode } from '@llmesh/core/proof/score';
import { AUDITORS } from '@llmesh/core/proof/standing';
import { answerEvidence } from '@llmesh/core/proof/wager';
import type { LlamaEngine } from 'llmesh/llama/llama-engine';
import { percentile } from '../statistics.ts';
import {
  openEngine,
  questions,
  requestOf,
  deviationsOfCheat,
  FILES,
  type Deviations,
  type File,
  type Turns,
} from './answers.ts';
import { auditsToConvict, honestRun, upperBound, type HonestRun } from './convict.ts';
import { costOf } from './cost.ts';
import { AT_ONCE } from './honest-noise.ts';
import { meanBound } from './noise.ts';

/** The share of answers that are checked. */
const AUDITED_SHARE = 0.02;
const MODES: readonly ScoreMode[] = ['seed', 'greedy', 'likelihood'];
const ENGINES = 'llama.cpp/cpu ↔ llama.cpp/cpu';
/** What a cheat does not do to every answer. */
const POLICIES = [
  { attack: 'cheating only newcomers', share: 0.2 },
  { attack: 'cheating only long answers', share: 1 / 3 },
  { attack: 'cheating only 30 %', share: 0.3 },
] as const;
const FILE_ATTACKS: readonly { attack: string; file: File }[] = [
  { attack: 'smaller model', file: 'small-q8' },
  { attack: 'coarser quant Q4', file: 'large-q4' },
  { attack: 'coarser quant Q2', file: 'large-q2' },
];

export interface ProofOptions {
  /** Honest answers of each mode. */
  answers: number;
  /** Answers of each cheat. */
  cheated: number;
  tokens: number;
  runs: number;
  audits: number;
  threads: number;
}

interface Attack {
  attack: string;
  cheat: Cheat;
  cheap: File;
  mode: ScoreMode;
}

interface Noise {
  mode: ScoreMode;
  pool: Deviations[];
  mean: number;
  evidence: number[];
  run: HonestRun;
}

export async function proof(options: ProofOptions) {
  const lent = new Map<File, LlamaEngine>();
  for (const file of FILES) lent.set(file, await openEngine(file, options.threads, AT_ONCE));
  const auditor = await openEngine('large-q8', options.threads, 1);
  const full = lent.get('large-q8')!;
  try {
    const noise = new Map<ScoreMode, Noise>();
    for (const mode of MODES) noise.set(mode, await honest(full, auditor, mode, options));
    const found = [];
    for (const one of attacks()) {
      const engines = { full, cheap: lent.get(one.cheap)! };
      found.push(...(await attacked(one, engines, auditor, noise.get(one.mode)!, options)));
    }
    const cost = await costs(options);
    const runs = [...noise.values()].map(({ run }) => run);
    const audits = runs.reduce((sum, run) => sum + run.audits, 0);
    const falsePositives = runs.reduce((sum, run) => sum + run.falsePositives, 0);
    return {
      bench: 'proof',
      attacks: found,
      falsePositivesPerAudit: upperBound(falsePositives, audits),
      honestConvictions: runs.reduce((sum, run) => sum + run.convictions, 0),
      auditedCost: rounded(cost),
      totalCost: rounded(cost * AUDITED_SHARE),
    };
  } finally {
    for (const engine of [...lent.values(), auditor]) await engine.close();
  }
}

function attacks(): Attack[] {
  const files = FILE_ATTACKS.flatMap(({ attack, file }) =>
    MODES.map((mode) => ({ attack, cheat: CHEATS['cheaper model'], cheap: file, mode })),
  );
  const { 'cheaper model': _, ...others } = CHEATS;
  const rest = Object.entries(others).flatMap(([attack, cheat]) => {
    const modes =
      attack === 'cached answer' || attack === 'pre-fill' ? (['seed'] as const) : (['seed', 'greedy'] as const);
    return modes.map((mode) => ({ attack, cheat, cheap: 'small-q8' as const, mode }));
  });
  return [...files, ...rest];
}

async function honest(
  lender: LlamaEngine,
  auditor: LlamaEngine,
  mode: ScoreMode,
  options: ProofOptions,
): Promise<Noise> {
  const engines = { full: lender, cheap: lender };
  const truth: Cheat = ({ full }, { asked, signal }) => written(full, asked, signal);
  const pool = await answersOf(auditor, engines, truth, mode, options.answers, options);
  const mean = meanBound(pool);
  const evidence = pool.map((one) => answerEvidence(one, mean));
  const run = honestRun(pool, mean, options.audits, Math.random);
  const tokens = pool.reduce((sum, one) => sum + one.length, 0);
  const wrong = pool.reduce((sum, one) => sum + one.filter((s) => s > 0).length, 0);
  const largest = pool.reduce((most, one) => Math.max(most, ...one), 0);
  say(
    `honest, ${mode}: ${pool.length} answers of ${tokens} tokens, ${wrong} of them deviate, by at most ${largest}/255; mean ≤ ${mean.toPrecision(3)}; ` +
      `of ${run.audits} simulated audits ${run.falsePositives} say that it deviates, ${run.convictions} providers convicted`,
  );
  return { mode, pool, mean, evidence, run };
}

async function attacked(one: Attack, engines: CheatEngines, auditor: LlamaEngine, noise: Noise, options: ProofOptions) {
  const pool = await answersOf(auditor, engines, one.cheat, one.mode, options.cheated, options);
  const cheated = pool.map((answer) => answerEvidence(answer, noise.mean));
  const wrong = percentile(pool.map(shareWrong), 50);
  const policies = one.attack === 'smaller model' ? POLICIES : [];
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

async function answersOf(
  auditor: LlamaEngine,
  engines: CheatEngines,
  cheat: Cheat,
  mode: ScoreMode,
  count: number,
  { tokens }: ProofOptions,
): Promise<Deviations[]> {
  const asked = questions();
  const pool: Deviations[] = [];
  let next = 0;
  const work = async () => {
    while (next < count) {
      const turns: Turns = asked[next % asked.length]!;
      next += 1;
      const one = await deviationsOfCheat(auditor, engines, cheat, requestOf(turns, mode, tokens));
      if (one !== null) pool.push(one);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return pool;
}

/** By both auditors, as a share of writing. Of the model that answers are measured with, and of one as large as real ones. */
async function costs({ tokens, threads }: ProofOptions): Promise<number> {
  const found = [];
  for (const model of ['large-q8', 'synthetic'] as const) found.push(await costOf(model, tokens, threads));
  for (const { model, ratio } of found) say(`${model}: reading an answer costs ${rounded(ratio)} of writing it`);
  return AUDITORS * found.at(-1)!.ratio;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
