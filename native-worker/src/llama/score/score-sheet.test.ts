import { fileURLToPath } from 'node:url';
import type { ControlledEvaluateInputItem, Llama, Token } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededDraws, SeedRow } from '@llmesh/core/proof/seeds';
import { uniformOf } from '@llmesh/core/proof/uniform';
import { openLlama } from '../context/llama-device.ts';
import { marginOf } from './score-sheet.ts';

const tiny = fileURLToPath(new URL('../../../../models/tiny/llmesh-tiny.gguf', import.meta.url));
const candidates = new Map([0.5, 0.3, 0.15, 0.05].map((share, i) => [i as Token, share]));
const NO_CUTS = { topK: 0, topP: 1, minP: 0, temperature: 1 };
const odds = (share: number) => Math.log(share / (1 - share));

describe('marginOf', () => {
  it.each([
    [0, 0.2, 0],
    [3, 0.96, 0],
    [0, 0.6, odds(0.6) - odds(0.5)],
    [4, 0.6, odds(1 / 1.05) - odds(0.6)],
  ])('finds token %i among the candidates, this far from the draw %f: %f', (token, draw, margin) => {
    expect(marginOf(candidates, token as Token, draw, NO_CUTS)).toBeCloseTo(margin, 9);
  });
});

describe('marginOf, where sampling has cut the token off', () => {
  it('lets it come in as far as it is likely, and change places with those that are hardly likelier', () => {
    const other = 9 as Token;
    // As likely as the last, it is drawn at the end; without its likelihood, it is taken to be.
    expect(marginOf(candidates, other, 0.97, NO_CUTS, 0.05)).toBe(0);
    expect(marginOf(candidates, other, 0.97, NO_CUTS)).toBe(0);
    expect(marginOf(candidates, other, 0.97, NO_CUTS, 1e-6)).toBeGreaterThan(5);
    // At the draw of the last, which is as likely: no noise at all explains it.
    expect(marginOf(candidates, other, 0.93, NO_CUTS, 0.05)).toBeCloseTo(0, 9);
    expect(marginOf(candidates, other, 0.1, NO_CUTS, 0.05)).toBeGreaterThan(1);
  });
});

describe('the draws of llama.cpp', () => {
  let llama: Llama;
  beforeAll(async () => {
    llama = await openLlama('off', 1);
  });
  afterAll(() => llama.dispose());

  it('fall into the range of the token that `uniformOf` finds', async () => {
    const model = await llama.loadModel({ modelPath: tiny, useMmap: false });
    const context = await model.createContext({ contextSize: 512, threads: 1 });
    const row = new SeedRow(seededDraws(1));
    const options = { temperature: 3, topK: 0, topP: 1 };
    const items = Array.from({ length: 200 }, (_, at): ControlledEvaluateInputItem => {
      const generateNext = { token: true, probabilities: true, options: { ...options, seed: row.at(at) } };
      return [(at % 40) as Token, { generateNext }];
    });
    const results = await context.getSequence().controlledEvaluate(items);
    const seen = new Set<Token>();
    for (const [at, result] of results.entries()) {
      const { token, probabilities } = result!.next;
      // llama.cpp adds up in another precision.
      expect(marginOf(probabilities!, token!, uniformOf(row.at(at)), NO_CUTS)).toBeLessThan(1e-4);
      seen.add(token!);
    }
    expect(seen.size).toBeGreaterThan(50);
  });
});
