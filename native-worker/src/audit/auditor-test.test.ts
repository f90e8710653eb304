import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Scorer } from '@llmesh/core/tasks/audit-task';
import { LlamaEngine } from '../llama/llama-engine.ts';
import { tellsDoctored } from './auditor-test.ts';

const tiny = fileURLToPath(new URL('../../../models/tiny/llmesh-tiny.gguf', import.meta.url));
const never = new AbortController().signal;
let engine: LlamaEngine;
beforeAll(async () => {
  engine = new LlamaEngine();
  await engine.load({ path: tiny, threads: 1, gpu: 'off', slots: 1, contextTokens: 512 }, () => {}, never);
});
afterAll(() => engine.close());

const checking = (score: Scorer['score']) =>
  tellsDoctored({ generate: (request, signal) => engine.generate(request, signal), score }, never);

it('an engine that computes what it should tells its own answer from a doctored one', async () => {
  expect(await tellsDoctored(engine, never)).toBe(true);
});

it('one that accuses the honest, or acquits everybody, is found out', async () => {
  expect(await checking((request, ids) => engine.score(request, ids.toReversed(), never))).toBe(false);
  const acquits: Scorer['score'] = async (request, ids) => {
    const scores = await engine.score(request, ids, never);
    return { ...scores, drawn: Int32Array.from(ids), margins: new Float32Array(ids.length) };
  };
  expect(await checking(acquits)).toBe(false);
});
