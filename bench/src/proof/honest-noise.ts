/**
 * By how much honest engines differ: answers that are written on one computer and read on another. `--save` writes them to a
 * file, and goes on with one that is there; `--from` reads those of another computer, or of another engine on this one;
 * neither: both here.
 */
import { readFileSync } from 'node:fs';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { deviationsOf, isTelling, meanDeviation } from '@llmesh/core/proof/deviation';
import { SCORE_MODES, type ScoreMode } from '@llmesh/core/proof/score';
import { written } from '@llmesh/core/suites/cheats';
import { answerFile } from './answer-file.ts';
import { openEngine, questions, requestOf, type Deviations } from './answers.ts';
import { noiseOf } from './noise.ts';

const never = new AbortController().signal;
/** Answers at once, as on a volunteer's computer: how they are put together changes the last bits. */
export const AT_ONCE = 4;

export interface NoiseOptions {
  answers: number;
  tokens: number;
  threads: number;
  mode?: ScoreMode;
  save?: string;
  from?: string;
}

/** As it lies in a file. */
interface Answer {
  mode: ScoreMode;
  turns: GenerateRequest['turns'];
  draws: string | null;
  maxTokens: number;
  tokenIds: number[];
}

export async function noise(options: NoiseOptions) {
  const answers = options.from === undefined ? await write(options) : readAnswers(options.from);
  if (options.save !== undefined) return { bench: 'noise', written: answers.length };
  const deviations = await read(answers, options.threads);
  const rows = SCORE_MODES.map((mode) => {
    const of = deviations.filter((_, i) => answers[i]!.mode === mode);
    const tokens = of.reduce((sum, one) => sum + one.length, 0);
    const telling = of.reduce((sum, one) => sum + one.filter((deviation) => isTelling(mode, deviation)).length, 0);
    const largest = of.reduce((most, one) => Math.max(most, ...one), 0);
    const average = of.reduce((sum, one) => sum + meanDeviation(one) * one.length, 0) / tokens;
    return { answers: of.length, tokens, tellingTokens: telling, largest, average, worst: noiseOf(of, mode) };
  }).filter((row) => row.answers > 0);
  for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
  return { bench: 'noise', rows };
}

async function write({ answers, tokens, threads, mode, save }: NoiseOptions): Promise<Answer[]> {
  const modes = mode === undefined ? SCORE_MODES : [mode];
  const file = answerFile<Answer>(save ?? null, { tokens });
  const asked = questions();
  const wanted = modes.flatMap((one) => {
    const there = file.lines.filter((line) => line.mode === one).length;
    return Array.from({ length: Math.max(0, answers - there) }, (_, i) => {
      return { mode: one, turns: asked[(there + i) % asked.length]! };
    });
  });
  const engine = await openEngine('large-q8', threads, AT_ONCE);
  const work = async () => {
    for (let one = wanted.shift(); one !== undefined; one = wanted.shift()) {
      const request = requestOf(one.turns, one.mode, tokens);
      const { tokenIds, draws } = await written(engine, request, never);
      const said = draws === undefined ? null : Buffer.from(draws).toString('base64');
      if (tokenIds.length > 0) file.add({ ...one, draws: said, maxTokens: tokens, tokenIds });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await engine.close();
  return file.lines;
}

function readAnswers(path: string): Answer[] {
  const [, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Answer);
}

async function read(answers: readonly Answer[], threads: number): Promise<Deviations[]> {
  const engine = await openEngine('large-q8', threads, 1);
  const deviations: Deviations[] = [];
  for (const { mode, turns, draws, maxTokens, tokenIds } of answers) {
    const asked = requestOf(turns, mode, maxTokens);
    const request = draws === null ? asked : { ...asked, draws: new Uint8Array(Buffer.from(draws, 'base64')) };
    deviations.push(deviationsOf(await engine.score(request, tokenIds, never), tokenIds));
  }
  await engine.close();
  return deviations;
}
