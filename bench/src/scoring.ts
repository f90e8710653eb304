/**
 * What it costs to draw each token with a seed of its own, and to check an answer; what that finds in the engine's own answers,
 * written alone and together; and how much slower others are written meanwhile. The model is noise, with more near-ties than
 * any other. Times are those of the processor, so that whatever else runs here counts less.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { deviationsOf } from '@llmesh/core/proof/deviation';
import { seededDraws, SeedRow } from '@llmesh/core/proof/seeds';
import type { Sampling } from '@llmesh/core/protocol';
import { openLlama } from 'llmesh/llama/context/llama-device';
import { LlamaEngine } from 'llmesh/llama/llama-engine';
import { seedSteps } from 'llmesh/llama/sampling/step-seeds';
import { processorMs } from './proof/processor-ms.ts';
import { show, spread, type Spread } from './statistics.ts';
import { syntheticModel } from './synthetic-model.ts';

const QUESTIONS = join(import.meta.dirname, '../../models/tiny/questions.json');
const STREAMS = [1, 2, 4];
const SAMPLINGS: Record<string, Sampling> = {
  greedy: { temperature: 0 },
  drawn: { temperature: 0.8, topK: 40, topP: 0.95 },
};
const never = new AbortController().signal;

export interface ScoringOptions {
  model: string;
  rounds: number;
  tokens: number;
  threads: number;
}

interface Noise {
  sampling: string;
  streams: number;
  tokens: number;
  /** How many tokens are not what is chosen when the answer is read at once. */
  misses: number;
  /** 0 to 255 */
  meanDeviation: number;
  worst: number;
}

export async function scoring(options: ScoringOptions) {
  const path = options.model === 'synthetic' ? await syntheticModel() : options.model;
  const seeds = await costOfSeeds(path, options);
  say(`processor time of a token with seeds of its own, to one seed for all: ${show(seeds)}`);
  const engine = new LlamaEngine();
  const file = {
    path,
    threads: options.threads,
    gpu: 'off',
    slots: Math.max(...STREAMS),
    contextTokens: 1024,
  } as const;
  await engine.load(file, () => {}, never);
  try {
    const noise: Noise[] = [];
    for (const sampling of Object.keys(SAMPLINGS)) {
      for (const streams of STREAMS) {
        const found = await noiseOf(engine, sampling, streams, options);
        noise.push(found);
        const { misses, tokens, meanDeviation, worst } = found;
        say(
          `${sampling}, ${streams} at once: ${misses} of ${tokens} tokens differ, deviation ${meanDeviation}, at most ${worst} of 255`,
        );
      }
    }
    const cost = await costOfScoring(engine, options);
    say(`processor time to check a token, to writing it: ${show(cost)}`);
    const slower = await slowdown(engine, options);
    say(`speed of an answer beside a check, to alone: ${show(slower)}`);
    return { bench: 'scoring', model: options.model, seeds, noise, cost, slower };
  } finally {
    await engine.close();
  }
}

/** llama.cpp's own loop, with and without a seed for each token, in turns. */
async function costOfSeeds(path: string, { rounds, tokens, threads }: ScoringOptions): Promise<Spread> {
  const llama = await openLlama('off', threads);
  try {
    const model = await llama.loadModel({ modelPath: path, useMmap: false });
    const context = await model.createContext({ contextSize: 1024, threads });
    const sequence = context.getSequence();
    const prompt = model.tokenize(questions(1)[0] ?? '', true);
    const run = async (seed: number | undefined) => {
      const row = new SeedRow(seededDraws(1));
      let at = 0;
      seedSteps(sequence, () => row.at(at));
      await sequence.clearHistory();
      await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(0, -1));
      const options = { temperature: 0.8, topK: 40, ...(seed !== undefined && { seed }) };
      const startMs = processorMs();
      for await (const _ of sequence.evaluate(prompt.slice(-1), options)) {
        at += 1;
        if (at === tokens) break;
      }
      return (processorMs() - startMs) / at;
    };
    return await ratios(
      rounds,
      () => run(undefined),
      () => run(7),
    );
  } finally {
    await llama.dispose();
  }
}

async function noiseOf(
  engine: LlamaEngine,
  sampling: string,
  streams: number,
  options: ScoringOptions,
): Promise<Noise> {
  const found = { sampling, streams, tokens: 0, misses: 0, meanDeviation: 0, worst: 0 };
  let sum = 0;
  for (let round = 0; round < Math.ceil(options.rounds / streams); round += 1) {
    const requests = questions(streams, round * streams).map((question) => ask(question, sampling, options.tokens));
    const answers = await Promise.all(requests.map((request) => write(engine, request)));
    for (const [i, request] of requests.entries()) {
      const ids = answers[i]?.ids ?? [];
      const scores = await engine.score(request, ids, never);
      const deviations = deviationsOf(scores, ids);
      found.tokens += ids.length;
      found.misses += ids.filter((id, at) => scores.drawn[at] !== id).length;
      sum += deviations.reduce((all, one) => all + one, 0);
      found.worst = Math.max(found.worst, ...deviations);
    }
  }
  return { ...found, meanDeviation: Number((sum / found.tokens).toPrecision(3)) };
}

function costOfScoring(engine: LlamaEngine, { rounds, tokens }: ScoringOptions): Promise<Spread> {
  const request = ask(questions(1)[0] ?? '', 'drawn', tokens);
  const perToken = async (work: () => Promise<number>) => {
    const startMs = processorMs();
    const count = await work();
    return (processorMs() - startMs) / count;
  };
  let ids: number[] = [];
  const written = () => perToken(async () => (ids = (await write(engine, request)).ids).length);
  const checked = () => perToken(async () => (await engine.score(request, ids, never)).margins.length);
  return written().then(() => ratios(rounds, checked, written));
}

async function slowdown(engine: LlamaEngine, { rounds, tokens }: ScoringOptions): Promise<Spread> {
  const [request, other] = questions(2).map((question) => ask(question, 'drawn', tokens));
  if (request === undefined || other === undefined) throw new Error('needs two questions');
  const { ids } = await write(engine, other);
  const alone = async () => (await write(engine, request)).tokensPerSecond;
  const beside = async () => {
    const abort = new AbortController();
    const checks = (async () => {
      while (!abort.signal.aborted) await engine.score(other, ids, abort.signal);
    })();
    const speed = await alone();
    abort.abort();
    await checks.catch(() => {});
    return speed;
  };
  return ratios(rounds, beside, alone);
}

/** One run of each, in turns; the first pair warms up. */
async function ratios(rounds: number, one: () => Promise<number>, other: () => Promise<number>): Promise<Spread> {
  const found: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const first = round % 2 === 0 ? await one() : null;
    const second = await other();
    const ratio = (first ?? (await one())) / second;
    if (round > 0) found.push(ratio);
  }
  return spread(found);
}

async function write(engine: LlamaEngine, request: GenerateRequest) {
  const ids: number[] = [];
  let firstMs = 0;
  let firstTokens = 0;
  for await (const piece of engine.generate(request, never)) {
    ids.push(...(piece.tokenIds ?? []));
    if (firstMs !== 0) continue;
    firstMs = performance.now();
    firstTokens = ids.length;
  }
  return { ids, tokensPerSecond: ((ids.length - firstTokens) * 1000) / (performance.now() - firstMs) };
}

function ask(question: string, sampling: string, maxTokens: number): GenerateRequest {
  const draws = seededDraws(question.length);
  return { turns: [{ role: 'user', content: question }], sampling: SAMPLINGS[sampling] ?? {}, maxTokens, draws };
}

function questions(count: number, from = 0): string[] {
  const all = JSON.parse(readFileSync(QUESTIONS, 'utf8')) as { question: string }[];
  return Array.from({ length: count }, (_, i) => all[(from + i) % all.length]?.question ?? '');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
