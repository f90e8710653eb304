/**
 * A real compiled library in the worker of the page, with made weights: `WEBLLM_LIB=/path/to/library.wasm npm run e2e --
 * webllm-real`. Sensible on a machine with a graphics card: an emulated one takes seconds for each token.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, type Browser } from '@playwright/test';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { prefixAt, textOf, tokensOf } from '@llmesh/core/suites/continuation';
import { launch } from '../src/browsers.ts';
import { madeModel } from '../src/made-model.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { MIRRORED_MODEL, startModelMirror, type ModelMirror } from '../src/model-mirror.ts';
import { openPageEngine, type PageEngine } from '../src/page-engine.ts';
import { test } from '../src/visit.ts';

const library = process.env['WEBLLM_LIB'] ?? '';
test.skip(
  library === '',
  'Nobody named a library: WEBLLM_LIB=/path/to/library.wasm runs one that was compiled for web-llm.',
);

const MODEL = 'smollm2-135m-mlc-q0f32';
const TOKENS = 5;
/** With an emulated graphics card, and hundreds of megabytes. */
const PATIENCE_MS = 1_800_000;

let mesh: TestMesh;
let mirror: ModelMirror;
let browser: Browser;
let engine: PageEngine;
test.beforeAll(async () => {
  test.setTimeout(PATIENCE_MS);
  const wasm = readFileSync(library);
  const folder = `/mlc-ai/${MIRRORED_MODEL}/resolve/main/`;
  const made = Object.entries(madeModel(wasm)).map(([name, body]) => [`${folder}${name}`, body] as const);
  const files = {
    ...Object.fromEntries(made),
    'library.wasm': wasm,
    '/llmesh-mirror.json': Buffer.from('{"models":{}}'),
  };
  mesh = await startMesh();
  mirror = await startModelMirror({ files });
  browser = await launch('chromium');
  engine = await openPageEngine(browser, mesh.url, MODEL, mirror.url);
});
test.afterAll(async () => {
  await engine?.close();
  await browser?.close();
  await mirror?.close();
  await mesh?.stop();
});
test.beforeEach(() => test.setTimeout(PATIENCE_MS));

const asked: GenerateRequest = {
  turns: [{ role: 'user', content: 'x' }],
  sampling: { temperature: 0 },
  maxTokens: TOKENS,
};

test(`${basename(library)} writes the same twice, and counts it`, async () => {
  expect(engine.loaded).toMatchObject({ backend: 'webgpu', slots: 1, continues: 'text' });
  const first = await engine.run(asked);
  expect(first.finish).toMatchObject({ completionTokens: TOKENS, finish: 'length' });
  expect(tokensOf(first.pieces)).toBeLessThanOrEqual(TOKENS);
  expect(await engine.run(asked)).toEqual(first);
  expect(await engine.run({ ...asked, requester: 'another' as GenerateRequest['requester'] & string })).toEqual(first);
});

test(`${basename(library)} stops when it is told to, and counts the same tokens of the turns behind a begun answer`, async () => {
  const whole = await engine.run(asked);
  await expect(engine.run({ ...asked, maxTokens: 1024 }, 1)).rejects.toMatchObject({ code: 'cancelled' });
  const rest = await engine.run({ ...asked, prefix: prefixAt(whole, 1, { ids: false }), maxTokens: 1 });
  expect(rest.finish.promptTokens).toBe(whole.finish.promptTokens);
  expect(textOf(whole.pieces).length).toBeGreaterThan(0);
});
