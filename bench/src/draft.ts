/**
 * What a draft brings: tokens a second of the same model with and without, in turns. The models are noise: the large one is
 * the small one with more layers that add nothing, so that at a temperature near 0 every guess is right (the upper bound);
 * the warmer, the fewer are. A third case guesses with another model's noise, which is hardly ever right: what it costs.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { LlamaEngine, type LlamaModelFile } from 'llmesh/llama/llama-engine';
import { show, spread, type Spread } from './statistics.ts';
import { syntheticModel } from './synthetic-model.ts';

const QUESTIONS = join(import.meta.dirname, '../../models/tiny/questions.json');
const SEED = 0x1234567;
const SMALL = { telling: 1, idle: 0, seed: SEED };
const LARGE = { telling: 1, idle: 19, seed: SEED };
const STREAMS = [1, 2, 4];
const never = new AbortController().signal;

export interface DraftOptions {
  rounds: number;
  tokens: number;
  threads: number;
}

interface Case {
  name: string;
  /** Not 0, as exact answers are not guessed. */
  temperature: number;
  draft: LlamaModelFile['draft'];
}

export async function draft({ rounds, tokens, threads }: DraftOptions) {
  const path = await syntheticModel(LARGE);
  const small = { path: await syntheticModel(SMALL) };
  const cases: Case[] = [
    { name: 'always right', temperature: 0.001, draft: small },
    { name: 'often right', temperature: 0.03, draft: small },
    { name: 'hardly ever right', temperature: 0.7, draft: { path: await syntheticModel({ ...SMALL, seed: 99 }) } },
    { name: 'lookup', temperature: 0.7, draft: 'lookup' },
  ];
  const slots = Math.max(...STREAMS);
  const load = async (more: Partial<LlamaModelFile>) => {
    const engine = new LlamaEngine();
    await engine.load({ path, threads, gpu: 'off', slots, contextTokens: 1024, ...more }, () => {}, never);
    return engine;
  };
  const plain = await load({});
  const results: { name: string; streams: number; right: number; ratio: Spread; speed: Spread; plainSpeed: Spread }[] =
    [];
  try {
    for (const one of cases) {
      const helped = await load(one.draft === undefined ? {} : { draft: one.draft });
      try {
        for (const streams of STREAMS) {
          const before = helped.guesses;
          const runs = [];
          // The first pair warms both up.
          for (let round = 0; round <= rounds; round += 1) {
            const run = (engine: LlamaEngine) => speedOf(engine, questions(round, streams), one.temperature, tokens);
            const first = round % 2 === 0 ? await run(plain) : null;
            const speed = await run(helped);
            const plainSpeed = first ?? (await run(plain));
            if (round > 0) runs.push({ speed, plainSpeed });
          }
          const guessed = helped.guesses.guessed - before.guessed;
          const result = {
            name: one.name,
            streams,
            right: (helped.guesses.taken - before.taken) / Math.max(1, guessed),
            guessed,
            ratio: spread(runs.map((run) => run.speed / run.plainSpeed)),
            speed: spread(runs.map((run) => run.speed)),
            plainSpeed: spread(runs.map((run) => run.plainSpeed)),
          };
          results.push(result);
          const { ratio, right } = result;
          process.stdout.write(
            `${one.name}, ${streams} at once: ${show(ratio)} times as fast, ${guessed} guesses, ${Math.round(100 * right)} % right\n`,
          );
        }
      } finally {
        await helped.close();
      }
    }
  } finally {
    await plain.close();
  }
  return { bench: 'draft', rounds, tokens, threads, load: os.loadavg()[0], results };
}

/** The speed of all answers together. */
async function speedOf(
  engine: LlamaEngine,
  asked: readonly string[],
  temperature: number,
  maxTokens: number,
): Promise<number> {
  const startMs = performance.now();
  const counts = await Promise.all(
    asked.map(async (content) => {
      const request = { turns: [{ role: 'user' as const, content }], sampling: { temperature }, maxTokens };
      const answer = engine.generate(request, never);
      let next = await answer.next();
      while (next.done !== true) next = await answer.next();
      return next.value.completionTokens;
    }),
  );
  return (counts.reduce((sum, count) => sum + count, 0) * 1000) / (performance.now() - startMs);
}

/** Different ones every round, so that nothing of the previous one helps. */
function questions(round: number, count: number): string[] {
  const known = JSON.parse(readFileSync(QUESTIONS, 'utf8')) as { question: string }[];
  return Array.from({ length: count }, (_, i) => known[(round * count + i) % known.length]?.question ?? '');
}
