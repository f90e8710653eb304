/** Real answers of real files, and what another engine with the honest file makes of them. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { deviationsOf } from '@llmesh/core/proof/deviation';
import { DRAWS_BYTES } from '@llmesh/core/proof/seeds';
import type { ScoreMode } from '@llmesh/core/proof/score';
import type { Cheat, CheatEngines } from '@llmesh/core/suites/cheats';
import { LlamaEngine } from 'llmesh/llama/llama-engine';

export type Deviations = Uint8Array;

export const MODELS = process.env['PROOF_MODELS'] ?? join(import.meta.dirname, '../../../models/proof');
export const FILES = ['large-q8', 'large-q4', 'large-q2', 'small-q8'] as const;
export type File = (typeof FILES)[number];
/** As people set it who set nothing. */
const USUAL = { temperature: 0.8, topP: 0.95, topK: 40 };
const never = new AbortController().signal;

export type Turns = GenerateRequest['turns'];

export function questions(): Turns[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../../models/proof/questions.json'), 'utf8')) as Turns[];
}

export async function openEngine(file: File, threads: number, slots: number): Promise<LlamaEngine> {
  const engine = new LlamaEngine();
  await engine.load({ path: join(MODELS, `${file}.gguf`), threads, gpu: 'off', slots }, () => {}, never);
  return engine;
}

/** The same question gets other draws each time, as on the mesh. */
export function requestOf(turns: Turns, mode: ScoreMode, maxTokens: number): GenerateRequest {
  const draws = mode === 'seed' ? { draws: new Uint8Array(randomBytes(DRAWS_BYTES)) } : {};
  return { turns, sampling: mode === 'greedy' ? { temperature: 0 } : USUAL, maxTokens, ...draws };
}

/** Null: this cheat has no way to cheat with this question, or nothing was written. */
export async function deviationsOfCheat(
  auditor: LlamaEngine,
  engines: CheatEngines,
  cheat: Cheat,
  asked: GenerateRequest,
): Promise<Deviations | null> {
  const halves = new Map<number, Uint8Array>();
  const otherDraws = (half: number) => {
    const draws = halves.get(half) ?? new Uint8Array(randomBytes(DRAWS_BYTES));
    halves.set(half, draws);
    return draws;
  };
  const delivered = await cheat(engines, { asked, otherDraws, signal: never });
  if (delivered === null || delivered.tokenIds.length === 0) return null;
  const { tokenIds, draws } = delivered;
  const scores = await auditor.score({ ...asked, ...(draws !== undefined && { draws }) }, tokenIds, never);
  return deviationsOf(scores, tokenIds);
}
