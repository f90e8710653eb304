/**
 * What browsers and native workers find in each other's answers, with the tiny model's own weights on WebGPU, WebAssembly and the
 * processor: how far honest engines are from each other, which is what no verdict may count against anybody.
 */
import { join } from 'node:path';
import { expect, test, type Browser } from '@playwright/test';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { deviationsOf } from '@llmesh/core/proof/deviation';
import type { Scores } from '@llmesh/core/proof/score';
import { seededDraws } from '@llmesh/core/proof/seeds';
import { runOf, textOf, type Run } from '@llmesh/core/suites/continuation';
import { LlamaEngine } from 'llmesh/llama/llama-engine';
import { launch } from '../src/browsers.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { openPageEngine, type PageEngine } from '../src/page-engine.ts';
import { ROOT } from '../src/processes.ts';
import { oneIn } from '../src/questions.ts';

const MODEL = 'llmesh-tiny';
const never = new AbortController().signal;
/** All of them, for the figures in the table of honest noise: `EVERY_ANSWER=1 npm run e2e -- audits-in-browsers`. */
const every = process.env['EVERY_ANSWER'] === '1';
const QUESTIONS = oneIn(every ? 6 : 60);
const MAX_TOKENS = 96;

let mesh: TestMesh;
let browser: Browser;
let webLlm: PageEngine;
let native: LlamaEngine;
test.beforeAll(async () => {
  test.setTimeout(180_000);
  mesh = await startMesh();
  browser = await launch('chromium');
  webLlm = await openPageEngine(browser, mesh.url, MODEL);
  native = new LlamaEngine();
  const path = join(ROOT, 'models/tiny/llmesh-tiny.gguf');
  await native.load({ path, threads: 1, gpu: 'off', slots: 2 }, () => {}, never);
});
test.afterAll(async () => {
  await native?.close();
  await webLlm?.close();
  await browser?.close();
  await mesh?.stop();
});
test.beforeEach(() => test.setTimeout(every ? 1_800_000 : 300_000));

interface Party {
  run(request: GenerateRequest): Promise<Run>;
  score(request: GenerateRequest, ids: readonly number[]): Promise<Scores>;
}
const inPage: Party = {
  run: (request) => webLlm.run(request),
  score: (request, ids) => webLlm.score(request, ids),
};
const inNode: Party = {
  run: (request) => runOf(native, request, never),
  score: (request, ids) => native.score(request, ids, never),
};

const SAMPLINGS: Record<string, GenerateRequest['sampling']> = {
  greedy: { temperature: 0 },
  'drawn at 0.7': { temperature: 0.7 },
  'drawn at 2 from all words': { temperature: 2, topK: 0, topP: 1 },
};

function asked(question: string, sampling: GenerateRequest['sampling']): GenerateRequest {
  const draws = seededDraws(question.length);
  return { turns: [{ role: 'user', content: question }], sampling, maxTokens: MAX_TOKENS, draws };
}

const idsOf = ({ pieces }: Run) => pieces.flatMap(({ tokenIds }) => tokenIds ?? []);

interface Noise {
  answers: number;
  tokens: number;
  /** 0 to 1: of all tokens, and of the worst answer. */
  mean: number;
  worstAnswer: number;
  /** In logits. */
  worstMargin: number;
  others: number;
}

/** What `auditor` finds in the answers of `provider`. */
async function noise(provider: Party, auditor: Party, sampling: GenerateRequest['sampling']): Promise<Noise> {
  const found: Noise = { answers: 0, tokens: 0, mean: 0, worstAnswer: 0, worstMargin: 0, others: 0 };
  let sum = 0;
  for (const { question } of QUESTIONS) {
    const request = asked(question, sampling);
    const run = await provider.run(request);
    const ids = idsOf(run);
    const scores = await auditor.score(request, ids);
    expect(scores.mode).toBe(sampling.temperature === 0 ? 'greedy' : 'seed');
    expect(scores.promptTokens).toBe(run.finish.promptTokens);
    expect(scores.text).toBe(textOf(run.pieces));
    const total = deviationsOf(scores, ids).reduce((all, one) => all + one / 255, 0);
    sum += total;
    found.answers += 1;
    found.tokens += ids.length;
    found.worstAnswer = Math.max(found.worstAnswer, total / ids.length);
    found.worstMargin = Math.max(found.worstMargin, ...scores.margins);
    found.others += ids.filter((id, i) => scores.drawn[i] !== id).length;
  }
  return { ...found, mean: sum / found.tokens };
}

const PAIRS: [string, Party, Party][] = [
  ['web-llm of itself', inPage, inPage],
  ['llama.cpp of web-llm', inPage, inNode],
  ['web-llm of llama.cpp', inNode, inPage],
];
for (const [pair, provider, auditor] of PAIRS) {
  for (const [name, sampling] of Object.entries(SAMPLINGS)) {
    test(`honest noise: ${pair}, ${name}`, async () => {
      const found = await noise(provider, auditor, sampling);
      test.info().annotations.push({ type: 'noise', description: JSON.stringify({ pair, name, ...found }) });
      console.log(JSON.stringify({ pair, name, ...found }));
      expect(found.mean).toBeLessThan(0.02);
    });
  }
}
