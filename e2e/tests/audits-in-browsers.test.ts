/**
 * What browsers and native workers find in each other's answers, with the tiny model's own weights on WebGPU, WebAssembly and the
 * processor: how far honest engines are from each other, which is what no verdict may count against anybody.
 */
import { join } from 'node:path';
import { expect, type Browser } from '@playwright/test';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { deviationsOf, meanDeviation } from '@llmesh/core/proof/deviation';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { ScoreMode, Scores } from '@llmesh/core/proof/score';
import { seededDraws } from '@llmesh/core/proof/seeds';
import { runOf, textOf, type Run } from '@llmesh/core/suites/continuation';
import { LlamaEngine } from 'llmesh/llama/llama-engine';
import { launch, launchWithoutWebGpu } from '../src/browsers.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { openPageEngine, type PageEngine } from '../src/page-engine.ts';
import { ROOT } from '../src/processes.ts';
import { oneIn } from '../src/questions.ts';
import { test } from '../src/visit.ts';

const MODEL = 'llmesh-tiny';
const never = new AbortController().signal;
/** All of them, for the figures in the table of honest noise: `EVERY_ANSWER=1 npm run e2e -- audits-in-browsers`. */
const every = process.env['EVERY_ANSWER'] === '1';
const QUESTIONS = oneIn(every ? 6 : 150);
const MAX_TOKENS = every ? 128 : 48;

let mesh: TestMesh;
let browsers: Browser[] = [];
let webLlm: PageEngine;
let wllama: PageEngine;
let native: LlamaEngine;
test.beforeAll(async () => {
  test.setTimeout(180_000);
  mesh = await startMesh();
  browsers = await Promise.all([launch('chromium'), launchWithoutWebGpu()]);
  [webLlm, wllama] = (await Promise.all(browsers.map((browser) => openPageEngine(browser, mesh.url, MODEL)))) as [
    PageEngine,
    PageEngine,
  ];
  native = new LlamaEngine();
  const path = join(ROOT, 'models/tiny/llmesh-tiny.gguf');
  await native.load({ path, threads: 1, gpu: 'off', slots: 2 }, () => {}, never);
});
test.afterAll(async () => {
  await native?.close();
  await Promise.all(browsers.map((browser) => browser.close()));
  await mesh?.stop();
});
test.beforeEach(() => test.setTimeout(every ? 1_800_000 : 300_000));

interface Provider {
  run(request: GenerateRequest): Promise<Run>;
}
interface Party extends Provider {
  score(request: GenerateRequest, ids: readonly number[]): Promise<Scores>;
}
const onCard: Party = {
  run: (request) => webLlm.run(request),
  score: (request, ids) => webLlm.score(request, ids),
};
const inWasm: Provider = { run: (request) => wllama.run(request) };
const inNode: Party = {
  run: (request) => runOf(native, request, never),
  score: (request, ids) => native.score(request, ids, never),
};

type Sampling = GenerateRequest['sampling'];
const GREEDY: Sampling = { temperature: 0 };
const WARM: Sampling = { temperature: 0.7 };
/** The only one at which this model, which knows its answers by heart, has a choice. */
const HOT: Sampling = { temperature: 2, topK: 0, topP: 1 };
const DRAWN: Sampling[] = every ? [GREEDY, WARM, HOT] : [GREEDY, HOT];
/**
 * wllama 3.8.1 turns each chunk into JSON with `json::dump()`, which throws at bytes that are no UTF-8 (its `action_get_result`; the
 * server of llama.cpp replaces them). Its module ends with that, and the page has to load the model anew. From the likeliest
 * 40 words, this model hardly ever draws such bytes.
 */
const IN_WASM: Sampling[] = [GREEDY, { temperature: 2, topP: 1 }];

/** `seeded`: false where the provider's draws cannot be repeated. */
function asked(question: string, sampling: Sampling, seeded: boolean): GenerateRequest {
  return {
    turns: [{ role: 'user', content: question }],
    sampling,
    maxTokens: MAX_TOKENS,
    ...(seeded && { draws: seededDraws(question.length) }),
  };
}

const idsOf = ({ pieces }: Run) => pieces.flatMap(({ tokenIds }) => tokenIds ?? []);

interface Noise {
  mode: ScoreMode;
  answers: number;
  tokens: number;
  /** 0 to 1: of all tokens, and of the worst answer. */
  mean: number;
  worstAnswer: number;
  /** In logits. */
  worstMargin: number;
  others: number;
  /** Answers that the provider's engine could not write: see `IN_WASM`. */
  broken: number;
}

/** llama.cpp leaves marks out that a model is not meant to write, and web-llm spells them. */
const withoutMarks = (text: string) => text.replaceAll(/<\|[a-z_]+\|>/g, '');

/** Null: wllama broke at bytes that are no UTF-8. A new one has taken its place. */
async function answerOf(provider: Provider, request: GenerateRequest): Promise<Run | null> {
  try {
    return await provider.run(request);
  } catch (thrown) {
    if (provider !== inWasm || !(thrown instanceof MeshError) || thrown.code !== 'engine_failed') throw thrown;
    await wllama.close();
    wllama = await openPageEngine(browsers[1]!, mesh.url, MODEL);
    return null;
  }
}

/** What `auditor` finds in the answers of `provider`. */
async function noise(provider: Provider, auditor: Party, sampling: Sampling, mode: ScoreMode): Promise<Noise> {
  const found: Noise = { mode, answers: 0, tokens: 0, mean: 0, worstAnswer: 0, worstMargin: 0, others: 0, broken: 0 };
  let sum = 0;
  for (const { question } of QUESTIONS) {
    const request = asked(question, sampling, mode === 'seed');
    const run = await answerOf(provider, request);
    if (run === null) {
      found.broken += 1;
      continue;
    }
    const ids = idsOf(run);
    const scores = await auditor.score(request, ids);
    expect(scores.mode).toBe(mode);
    expect(scores.promptTokens).toBe(run.finish.promptTokens);
    expect(withoutMarks(scores.text ?? '')).toBe(withoutMarks(textOf(run.pieces)));
    const mean = meanDeviation(deviationsOf(scores, ids));
    sum += mean * ids.length;
    found.answers += 1;
    found.tokens += ids.length;
    found.worstAnswer = Math.max(found.worstAnswer, mean);
    if (mode !== 'likelihood') found.worstMargin = Math.max(found.worstMargin, ...scores.margins);
    found.others += ids.filter((id, i) => scores.drawn[i] !== id).length;
  }
  expect(found.broken).toBeLessThanOrEqual(Math.ceil(QUESTIONS.length / 20));
  return { ...found, mean: sum / found.tokens };
}

const modeOf = ({ temperature }: Sampling, drawn: ScoreMode): ScoreMode => (temperature === 0 ? 'greedy' : drawn);
const PAIRS: [string, Provider, Party, ScoreMode][] = [
  ['web-llm of itself', onCard, onCard, 'seed'],
  ['llama.cpp of web-llm', onCard, inNode, 'seed'],
  ['web-llm of llama.cpp', inNode, onCard, 'seed'],
  ['llama.cpp of wllama', inWasm, inNode, 'likelihood'],
  ['web-llm of wllama', inWasm, onCard, 'likelihood'],
];
for (const [pair, provider, auditor, drawn] of PAIRS) {
  test(`honest answers agree: ${pair}`, { tag: '@wide' }, async () => {
    for (const sampling of provider === inWasm ? IN_WASM : DRAWN) {
      const found = await noise(provider, auditor, sampling, modeOf(sampling, drawn));
      const description = JSON.stringify({ pair, sampling, ...found });
      test.info().annotations.push({ type: 'noise', description });
      if (every) process.stdout.write(`${description}\n`);
      // By likelihood, an honest answer lies in the middle.
      if (found.mode === 'likelihood') expect(Math.abs(found.mean - 0.5)).toBeLessThan(0.1);
      else expect(found.mean).toBeLessThan(0.01);
    }
  });
}

test(
  'wllama breaks at bytes that are no UTF-8, and a page that is opened anew writes on',
  { tag: '@wide' },
  async () => {
    const [first] = QUESTIONS;
    if (first === undefined) throw new Error('needs a question');
    // All words may be drawn, and this seed draws such bytes within a hundred of them.
    const broken = { ...asked(first.question, { ...HOT, seed: 0 }, false), maxTokens: 128 };
    expect(await answerOf(inWasm, broken)).toBeNull();
    const run = await answerOf(inWasm, { ...asked(first.question, GREEDY, false), maxTokens: 600 });
    expect(run === null ? null : textOf(run.pieces)).toBe(first.answer);
  },
);

test('an answer that web-llm wrote from its cache is to the words that everybody reads', { tag: '@wide' }, async () => {
  const [first, second] = oneIn(100);
  if (first === undefined || second === undefined) throw new Error('needs two questions');
  const turns: GenerateRequest['turns'] = [
    { role: 'user', content: first.question },
    { role: 'assistant', content: first.answer },
    { role: 'user', content: second.question },
  ];
  const before = await webLlm.run({ ...asked(first.question, GREEDY, true), maxTokens: 600 });
  expect(textOf(before.pieces)).toBe(first.answer);
  const request = { ...asked('', HOT, true), turns };
  const run = await webLlm.run(request);
  const scores = await native.score(request, idsOf(run), never);
  expect(scores.promptTokens).toBe(run.finish.promptTokens);
  expect(meanDeviation(deviationsOf(scores, idsOf(run)))).toBeLessThan(0.01);
  expect(idsOf(run)).toEqual(idsOf(await webLlm.run({ ...request, requester: 'another' as PeerId })));
});

test('what is wrong with an answer is seen in a browser, too', { tag: '@wide' }, async () => {
  const [first, second] = oneIn(100);
  if (first === undefined || second === undefined) throw new Error('needs two questions');
  const [request, other] = [asked(first.question, HOT, true), asked(second.question, HOT, true)];
  const ids = idsOf(await inNode.run(request));
  expect(meanDeviation(deviationsOf(await webLlm.score(other, ids), ids))).toBeGreaterThan(0.2);
  const colder = { ...request, sampling: { ...HOT, temperature: 0.5 } };
  expect(meanDeviation(deviationsOf(await webLlm.score(colder, ids), ids))).toBeGreaterThan(0.2);
  for (const wrong of [-1, 0x7fff_ffff, 1.5]) {
    const { margins } = await webLlm.score(request, [...ids.slice(0, 3), wrong, ...ids]);
    expect(Math.max(...margins.subarray(0, 3))).toBeLessThan(1);
    expect(Math.min(...margins.subarray(3))).toBe(Infinity);
  }
  await expect(webLlm.score({ ...request, task: 'completion' }, ids)).rejects.toMatchObject({ code: 'unsupported' });
  await expect(wllama.score(request, ids)).rejects.toMatchObject({ code: 'unsupported' });
});
