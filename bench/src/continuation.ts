/**
 * What it takes to continue another provider's answer: the time from `generate` with k delivered tokens to the first new one,
 * with the delivered tokens written again ("replay") and read like a prompt ("fast"), and how often the next words are
 * those of the undisturbed answer.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnswerPrefix, GenerateRequest, Piece } from '@llmesh/core/engine/engine';
import { prefixAt, runOf, type Run } from '@llmesh/core/suites/continuation';
import { LlamaEngine } from 'llmesh/llama/llama-engine';
import { show, spread } from './statistics.ts';
import { syntheticModel } from './synthetic-model.ts';

const TINY = join(import.meta.dirname, '../../models/tiny');
const DELIVERED = [16, 64, 256];
/** New words that are compared. */
const NEW_TOKENS = 32;
const never = new AbortController().signal;

export interface ContinuationOptions {
  model: string;
  rounds: number;
  threads: number;
}

interface Measured {
  delivered: number;
  replay: boolean;
  firstTokenMs: number[];
  compared: number;
  same: number;
}

export async function continuation(options: ContinuationOptions) {
  const tiny = join(TINY, 'llmesh-tiny.gguf');
  const path = options.model === 'tiny' ? tiny : options.model === 'synthetic' ? await syntheticModel() : options.model;
  const cases: Measured[] = DELIVERED.flatMap((delivered) =>
    [true, false].map((replay) => ({ delivered, replay, firstTokenMs: [], compared: 0, same: 0 })),
  );
  const engine = new LlamaEngine();
  await engine.load({ path, threads: options.threads, gpu: 'off', slots: 1 }, () => {}, never);
  try {
    // Every round asks something else, so that nothing of the previous one helps.
    for (const [round, question] of questions(options.rounds + 1).entries()) {
      for (const one of cases) await measure(engine, question, one, round > 0);
    }
  } finally {
    await engine.close();
  }
  const results = cases.map(({ firstTokenMs, ...one }) => ({ ...one, firstTokenMs: spread(firstTokenMs) }));
  for (const { delivered, replay, firstTokenMs, compared, same } of results) {
    const words = compared === 0 ? 'no answer was long enough to compare' : `same words ${same} of ${compared}`;
    process.stdout.write(`${delivered} delivered, ${replay ? 'replay' : 'fast'}: ${show(firstTokenMs)} ms, ${words}\n`);
  }
  return { bench: 'continuation', model: options.model, threads: options.threads, rounds: options.rounds, results };
}

async function measure(engine: LlamaEngine, question: string, into: Measured, counts: boolean): Promise<void> {
  const { delivered, replay } = into;
  const request: GenerateRequest = {
    turns: [{ role: 'user', content: question }],
    sampling: { temperature: 0 },
    maxTokens: delivered + NEW_TOKENS,
  };
  const whole = await runOf(engine, request, never);
  const cut = cutAt(whole, delivered);
  const long = whole.finish.completionTokens === request.maxTokens;
  const prefix = long ? prefixAt(whole, cut, { ids: true, replay }) : repeated(whole, delivered, replay);
  // Anything that the sequence kept from the undisturbed answer would help.
  await runOf(engine, { ...request, turns: [{ role: 'user', content: `Not ${question}` }], maxTokens: 1 }, never);
  const startMs = performance.now();
  const generation = engine.generate({ ...request, maxTokens: NEW_TOKENS, prefix }, never);
  let next = await generation.next();
  const firstMs = performance.now() - startMs;
  const rest: Piece[] = [];
  for (; next.done !== true; next = await generation.next()) rest.push(next.value);
  if (!counts) return;
  into.firstTokenMs.push(firstMs);
  if (!long) return;
  into.compared += 1;
  const expected = idsOf(whole.pieces.slice(cut));
  if (idsOf(rest).every((id, i) => id === expected[i])) into.same += 1;
}

/** Pieces before the cut that leaves at most so many tokens; a piece of noise may hold several. */
function cutAt({ pieces }: Run, tokens: number): number {
  let before = 0;
  const cut = pieces.findIndex((piece) => (before += piece.tokens) > tokens);
  return cut === -1 ? pieces.length : cut;
}

function idsOf(pieces: readonly Piece[]): number[] {
  return pieces.flatMap(({ tokenIds }) => tokenIds ?? []);
}

/** Repeats a short answer, which is as much work as a long one. */
function repeated({ pieces }: Run, tokens: number, replay: boolean): AnswerPrefix {
  const many = Array.from({ length: tokens }, (_, i) => pieces[i % pieces.length]).filter((one) => one !== undefined);
  return prefixAt({ pieces: many }, many.length, { ids: true, replay });
}

function questions(count: number): string[] {
  const known = JSON.parse(readFileSync(join(TINY, 'questions.json'), 'utf8')) as { question: string }[];
  return known.slice(0, count).map(({ question }) => question);
}
