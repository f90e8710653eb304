/**
 * The tiny model on web-llm, the browser's main engine, in the worker of the built page: what it says, how it stops, and that llama.cpp
 * in Node finishes what it began and the other way round.
 */
import { join } from 'node:path';
import { expect, type Browser } from '@playwright/test';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { deviationsOf, meanDeviation } from '@llmesh/core/proof/deviation';
import { seededDraws } from '@llmesh/core/proof/seeds';
import { runOf, textOf, wrongCuts } from '@llmesh/core/suites/continuation';
import { LlamaEngine } from 'llmesh/llama/llama-engine';
import { isWide, launch } from '../src/browsers.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { openPageEngine, type PageEngine } from '../src/page-engine.ts';
import { ROOT } from '../src/processes.ts';
import { longest, oneIn, known, type Known } from '../src/questions.ts';
import { test } from '../src/visit.ts';

const MODEL = 'llmesh-tiny';
const SLOTS = 4;
const never = new AbortController().signal;
const short = known.find(({ answer }) => answer.length > 60 && answer.length < 80) ?? longest;

let mesh: TestMesh;
let browser: Browser;
let webLlm: PageEngine;
let native: LlamaEngine;
test.beforeAll(async () => {
  // Shaders that an emulated graphics card compiles.
  test.setTimeout(400_000);
  mesh = await startMesh();
  browser = await launch('chromium');
  webLlm = await openPageEngine(browser, mesh.url, MODEL);
  native = new LlamaEngine();
  const path = join(ROOT, 'models/tiny/llmesh-tiny.gguf');
  await native.load({ path, threads: 1, gpu: 'off', slots: SLOTS }, () => {}, never);
});
test.afterAll(async () => {
  await native?.close();
  await webLlm?.close();
  await browser?.close();
  await mesh?.stop();
});
test.beforeEach(() => test.setTimeout(300_000));

const inNode = { go: (request: GenerateRequest) => runOf(native, request, never), atOnce: SLOTS };
const inPage = { go: (request: GenerateRequest) => webLlm.run(request), atOnce: 1 };

function asked({ question }: Known): GenerateRequest {
  return { turns: [{ role: 'user', content: question }], sampling: { temperature: 0 }, maxTokens: 1024 };
}

/** Some cuts of an answer, the first and the last among them. */
function some(pieces: readonly unknown[], count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.round((i * pieces.length) / (count - 1)));
}

test('where there is WebGPU, the tiny model runs on web-llm, and knows its answers', async () => {
  expect(webLlm.loaded).toMatchObject({ backend: 'webgpu', contextTokens: 2048, continues: 'text', slots: 1 });
  for (const one of oneIn(isWide ? 80 : 150)) expect(textOf((await inPage.go(asked(one))).pieces)).toBe(one.answer);
});

test('it counts as llama.cpp does, in a first turn and in a later one', async () => {
  const turns = [
    { role: 'user' as const, content: longest.question },
    { role: 'assistant' as const, content: longest.answer },
    { role: 'user' as const, content: short.question },
  ];
  for (const request of [asked(short), { ...asked(short), turns }]) {
    const [here, there] = [await inPage.go(request), await inNode.go(request)];
    expect(textOf(here.pieces)).toBe(textOf(there.pieces));
    expect(here.finish).toEqual(there.finish);
  }
});

test('what web-llm began, llama.cpp in Node finishes, and the other way round', async () => {
  const request = asked(short);
  const whole = await inPage.go(request);
  expect(textOf(whole.pieces)).toBe(short.answer);
  const cuts = some(whole.pieces, isWide ? whole.pieces.length + 1 : 6);
  expect(await wrongCuts({ request, whole, cuts, ids: false, ...inNode })).toEqual([]);
  expect(await wrongCuts({ request, whole, cuts: some(whole.pieces, isWide ? 5 : 3), ids: false, ...inPage })).toEqual(
    [],
  );
});

test('it stops when it is told to, and answers on', async () => {
  const request = asked(longest);
  await expect(webLlm.run(request, 3)).rejects.toMatchObject({ code: 'cancelled' });
  const few = await inPage.go({ ...request, maxTokens: 5 });
  expect(few.finish).toMatchObject({ finish: 'length', completionTokens: 5 });
  expect(longest.answer.startsWith(textOf(few.pieces))).toBe(true);
});

test('it computes no more than a few pieces ahead of its reader', { tag: '@wide' }, async () => {
  const { text, mostAhead } = await webLlm.runSlowly(asked(short), 20);
  expect(text).toBe(short.answer);
  expect(mostAhead).toBeLessThanOrEqual(5);
});

test('what does not fit is refused, and the next question is answered', async () => {
  const tooLong = { ...asked(short), turns: [{ role: 'user' as const, content: 'many words '.repeat(3_000) }] };
  await expect(inPage.go(tooLong)).rejects.toMatchObject({ code: 'prompt_too_long' });
  expect(textOf((await inPage.go(asked(short))).pieces)).toBe(short.answer);
});

test('what one of the two engines writes, the other one finds to be right, and sees what is wrong', async () => {
  const hot = { ...asked(short), sampling: { temperature: 2, topK: 0, topP: 1 }, draws: seededDraws(1), maxTokens: 24 };
  const [inThePage, natively] = [await inPage.go(hot), await inNode.go(hot)];
  for (const [{ pieces }, score] of [
    [inThePage, (ids: number[]) => native.score(hot, ids, never)],
    [natively, (ids: number[]) => webLlm.score(hot, ids)],
  ] as const) {
    const ids = pieces.flatMap(({ tokenIds }) => tokenIds ?? []);
    expect(meanDeviation(deviationsOf(await score(ids), ids))).toBeLessThan(0.01);
    const colder = { ...hot, sampling: { ...hot.sampling, temperature: 0.5 } };
    expect(meanDeviation(deviationsOf(await native.score(colder, ids, never), ids))).toBeGreaterThan(0.2);
  }
});
