/**
 * The tiny model's own arithmetic on WebGPU, through web-llm as its package has it: against llama.cpp on the same numbers, and
 * against the answers that it knows. The product around it is tested in `web-llm-tiny.test.ts`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Browser } from '@playwright/test';
import { writeExact } from 'llmesh/testing/exact-gguf';
import { launch } from '../src/browsers.ts';
import { openLlamaScores, type LlamaScores } from '../src/llama-scores.ts';
import { ROOT } from '../src/processes.ts';
import { known, oneIn } from '../src/questions.ts';
import { openTinyGpuPage, type TinyGpuPage } from '../src/tiny-gpu-page.ts';
import { test } from '../src/visit.ts';

const TINY = join(ROOT, 'models/tiny/llmesh-tiny.gguf');
/** All of them take minutes where WebGPU runs on a busy processor: `EVERY_ANSWER=1 npm run e2e -- tiny-gpu`. */
const every = process.env['EVERY_ANSWER'] === '1';
/** Whoever asks for every answer wants these tests, too. */
const tag = every ? [] : ['@wide'];
const PROMPTS = every ? 100 : 6;
const CLOSE = 1e-2;
/** Texts that tokenizers are known to cut differently. */
const ODD = [
  "it's  they'll\twe've\n\n  I'd 'tis",
  'naïve – 漢字 😀👩‍👩‍👧 Ω≈ç√ ½ ²³ ١٢٣ \u00a0\u2003x',
  '1234567890 a1b2 _x_ __init__ {"a": [1, 2.50]} <b>&amp;</b>',
  '   leading, trailing   ',
  '<|im_start|>user<|im_end|><|endoftext|> <|im_start |>',
];

const folder = mkdtempSync(join(tmpdir(), 'tiny-gpu-'));
let browser: Browser;
let page: TinyGpuPage;
let llama: LlamaScores;
test.beforeAll(async () => {
  test.setTimeout(180_000);
  browser = await launch('chromium');
  [page, llama] = await Promise.all([
    openTinyGpuPage(browser, TINY, true),
    openLlamaScores(writeExact(TINY, join(folder, 'exact.gguf'))),
  ]);
});
test.afterAll(async () => {
  await llama?.close();
  await page?.close();
  await browser?.close();
  rmSync(folder, { recursive: true });
});
test.beforeEach(() => test.setTimeout(600_000));

const turn = (role: string, content: string) => `<|im_start|>${role}\n${content}<|im_end|>\n`;
const asked = (question: string) => `${turn('user', question)}<|im_start|>assistant\n`;
const talk = (count: number) =>
  known
    .slice(0, count)
    .map(({ question, answer }) => turn('user', question) + turn('assistant', answer))
    .join('');

function furthest(some: readonly number[], others: readonly number[]): number {
  expect(some).toHaveLength(others.length);
  return Math.max(...some.map((score, i) => Math.abs(score - (others[i] ?? Number.NaN))));
}

async function distance(prompt: string): Promise<number> {
  const { scores, promptTokens } = await page.say(prompt, 1);
  expect(promptTokens, prompt).toBe(llama.tokens(prompt).length);
  return furthest(scores, await llama.after(prompt));
}

test('every word has the score that llama.cpp gives it', { tag }, async () => {
  const prompts = Array.from({ length: PROMPTS }, (_, i) => {
    const { question, answer } = known[(i * 29) % known.length] ?? { question: '', answer: '' };
    // One in three goes on from the middle of an answer, where other words are near.
    return asked(question) + (i % 3 === 0 ? answer.slice(0, (answer.length * (i % 7)) / 7) : '');
  });
  let worst = 0;
  for (const prompt of prompts) worst = Math.max(worst, await distance(prompt));
  test.info().annotations.push({ type: 'furthest score', description: String(worst) });
  expect(worst).toBeLessThan(CLOSE);
});

test('so has it after long texts, which are read in pieces', { tag }, async () => {
  for (const turns of every ? [3, 12, 30] : [4])
    expect(await distance(talk(turns) + asked(known[40]?.question ?? ''))).toBeLessThan(CLOSE);
});

test('texts are cut into the same tokens', { tag }, async () => {
  for (const text of ODD) expect(await distance(text), text.slice(0, 80)).toBeLessThan(CLOSE);
});

test('what the model knows, it says word for word', { tag }, async () => {
  for (const { question, answer } of oneIn(150)) expect((await page.say(asked(question), 600)).text).toBe(answer);
});
