/**
 * Cheats by their names, on a trained model that says something else each time: each is convicted, and nobody who is honest.
 * How many answers that takes on average, `npm run bench -- proof` measures.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sha256 } from '@noble/hashes/sha2.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { calibrationFor } from '@llmesh/core/proof/calibration';
import { CALIBRATIONS } from '@llmesh/core/proof/calibration-table';
import { deviationsOf } from '@llmesh/core/proof/deviation';
import type { ScoreMode } from '@llmesh/core/proof/score';
import { levelOf, moreAuditors, NEW_STANDING, record, type Judged } from '@llmesh/core/proof/standing';
import { answerEvidence, type HonestNoise } from '@llmesh/core/proof/wager';
import type { Level } from '@llmesh/core/wire/audit-messages';
import { CHEATS, written, type Cheat } from '@llmesh/core/suites/cheats';
import { LlamaEngine } from '../llama-engine.ts';

const models = new URL('../../../../models/proof/', import.meta.url);
const questions = JSON.parse(readFileSync(new URL('questions.json', models), 'utf8')) as GenerateRequest['turns'][];
const ENGINE = 'llama.cpp/cpu';
const TOKENS = 64;
/** Nobody is convicted by fewer, whatever they did. */
const FEWEST = 3;
const never = new AbortController().signal;
const cheaper = CHEATS['cheaper model'];
const honest: Cheat = ({ full }, { asked, signal }) => written(full, asked, signal);

let full: LlamaEngine;
let auditor: LlamaEngine;
let small: LlamaEngine;
let q4: LlamaEngine;
let q2: LlamaEngine;

beforeAll(async () => {
  [full, auditor, small, q4, q2] = (await Promise.all(
    (['large-q8', 'large-q8', 'small-q8', 'large-q4', 'large-q2'] as const).map(open),
  )) as [LlamaEngine, LlamaEngine, LlamaEngine, LlamaEngine, LlamaEngine];
});
afterAll(() => Promise.all([full, auditor, small, q4, q2].map((engine) => engine.close())));

describe('who is honest', () => {
  it.each(['seed', 'greedy'] as const)('stands well, %s', async (mode) => {
    const evidence = await evidenceOf(honest, { mode, answers: 3 });
    expect(levelAfter(evidence)).toBe('good');
    expect(Math.max(...evidence)).toBeLessThanOrEqual(0);
  });

  it('stands well with long answers that are drawn from all words, where one token in five is missed by a hair', async () => {
    const sampling = { temperature: 1, topK: 0, topP: 1 };
    let missed = 0;
    // Until so many are missed that not all of them are looked at: else this has shown nothing.
    for (let i = 0; missed <= 64; i++) {
      const asked = { turns: questions[i]!, sampling, maxTokens: 480, draws: drawsOf(i, 'own') };
      const { tokenIds } = await written(full, asked, never);
      const scores = await auditor.score(asked, tokenIds, never);
      missed = tokenIds.filter((id, at) => scores.drawn[at] !== id).length;
      expect(deviationsOf(scores, tokenIds).filter((one) => one > 0).length).toBeLessThanOrEqual(2);
    }
  });
});

describe('who cheats is convicted', () => {
  it.each([
    ['seed', 5],
    ['greedy', 5],
  ] as const)('smaller model, %s', async (mode, answers) => {
    expect(levelAfter(await evidenceOf(cheaper, { cheap: () => small, mode, answers }))).toBe('convicted');
  });
  it.each([
    ['coarser quant: 2 bits', 'seed', 12],
    ['coarser quant: 2 bits', 'greedy', 12],
    ['coarser quant: 4 bits', 'greedy', 24],
  ] as const)('%s, %s', async (name, mode, answers) => {
    const cheap = name.endsWith('2 bits') ? () => q2 : () => q4;
    expect(levelAfter(await evidenceOf(cheaper, { cheap, mode, answers }))).toBe('convicted');
  });
  it.each([
    ['pre-fill', 'seed', 6],
    ['cached answer', 'seed', FEWEST],
    ['canned answer', 'seed', FEWEST],
    ['cut context', 'seed', FEWEST],
    ['edited token', 'seed', 6],
    ['injected system prompt', 'greedy', 24],
    ['edited token', 'greedy', 9],
    ['padded tokens', 'seed', 9],
  ] as const)('%s, %s', async (attack, mode, answers) => {
    expect(levelAfter(await evidenceOf(CHEATS[attack], { cheap: () => small, mode, answers }))).toBe('convicted');
  });

  it.each([
    ['cheating only newcomers', 5],
    ['cheating only long answers', 3],
    ['cheating only 30 %', 3],
  ])('%s', async (_, every) => {
    const cheated = await evidenceOf(cheaper, { cheap: () => small, answers: 2 });
    const good = await evidenceOf(honest, { answers: 2 });
    const mixed = Array.from({ length: 8 * every }, (__, i) => (i % every === every - 1 ? cheated : good)[i % 2]!);
    expect(levelAfter(mixed)).toBe('convicted');
  });
});

interface Asking {
  answers: number;
  mode?: ScoreMode;
  cheap?: () => LlamaEngine;
}

/** What each answer counts, up to the one that convicts. */
async function evidenceOf(cheat: Cheat, { answers, mode = 'seed', cheap = () => full }: Asking): Promise<number[]> {
  const engines = { full, cheap: cheap() };
  const sampling = mode === 'greedy' ? { temperature: 0 } : { temperature: 0.8, topP: 0.95, topK: 40 };
  const evidence: number[] = [];
  for (let i = 0; i < answers && levelAfter(evidence) !== 'convicted'; i++) {
    const draws = mode === 'seed' ? { draws: drawsOf(i, 'own') } : {};
    const asked: GenerateRequest = { turns: questions[i % questions.length]!, sampling, maxTokens: TOKENS, ...draws };
    const otherDraws = (half: number) => drawsOf(i, `other ${half}`);
    const delivered = await cheat(engines, { asked, otherDraws, signal: never });
    if (delivered === null) throw new Error('it found no way to cheat');
    const given = delivered.draws === undefined ? {} : { draws: delivered.draws };
    const scores = await auditor.score({ ...asked, ...given }, delivered.tokenIds, never);
    evidence.push(answerEvidence(deviationsOf(scores, delivered.tokenIds), honestNoise(mode)));
  }
  return evidence;
}

function honestNoise(mode: ScoreMode): HonestNoise {
  const row = calibrationFor(CALIBRATIONS, { provider: ENGINE, auditor: ENGINE, mode, file: '' });
  if (row === null) throw new Error(`nobody has measured ${mode}`);
  return row;
}

/** As the control plane counts: every answer is checked by as many auditors as it takes, who all find the same. */
function levelAfter(evidence: readonly number[]): Level {
  return levelOf(
    evidence.reduce((standing, log10E) => {
      const judged: Judged[] = [];
      while (moreAuditors(judged, 0, false) > 0) judged.push({ log10E });
      return record(standing, judged);
    }, NEW_STANDING),
  );
}

function drawsOf(answer: number, which: string): Uint8Array {
  return sha256(new TextEncoder().encode(`${which} draws of answer ${answer}`));
}

async function open(name: string): Promise<LlamaEngine> {
  const engine = new LlamaEngine();
  const path = fileURLToPath(new URL(`${name}.gguf`, models));
  await engine.load({ path, threads: 1, gpu: 'off', slots: 1 }, () => {}, never);
  return engine;
}
