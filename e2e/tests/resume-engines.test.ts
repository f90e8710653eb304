/**
 * An answer that one engine began and another finishes: llama.cpp in Node and in WebAssembly in a real browser, in both
 * directions, on the same file. `EVERY_CUT=1` tries all cuts of the longest answer, too, which takes minutes.
 */
import { join } from 'node:path';
import { expect } from '@playwright/test';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { prefixAt, runOf, textOf, wrongCuts } from '@llmesh/core/suites/continuation';
import { readJsonSchema } from '@llmesh/core/form/json-schema';
import { LlamaEngine } from 'llmesh/llama/llama-engine';
import { isWide } from '../src/browsers.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { openPageEngine, type PageEngine } from '../src/page-engine.ts';
import { ROOT } from '../src/processes.ts';
import { known, longest, type Known } from '../src/questions.ts';
import { test } from '../src/visit.ts';

const every = process.env['EVERY_CUT'] === '1';
const never = new AbortController().signal;
const MODEL = 'llmesh-tiny';
const SLOTS = 4;
/** How many cuts are tried of an answer; in `npm test`, where every engine shares two cores with all others, fewer. */
const CUTS = isWide ? { ofShort: Infinity, ofLongest: 24 } : { ofShort: 5, ofLongest: 2 };
/** An answer of middling length. */
const short = known.find(({ answer }) => answer.length > 60 && answer.length < 80) ?? longest;

let mesh: TestMesh;
let wllama: PageEngine;
let native: LlamaEngine;
test.beforeAll(async ({ commonBrowsers }) => {
  mesh = await startMesh();
  wllama = await openPageEngine(await commonBrowsers.get('chromium'), mesh.url, MODEL);
  native = new LlamaEngine();
  const path = join(ROOT, 'models/tiny/llmesh-tiny.gguf');
  await native.load({ path, threads: 1, gpu: 'off', slots: SLOTS }, () => {}, never);
});
test.afterAll(async () => {
  await native?.close();
  await wllama?.close();
  await mesh?.stop();
});
test.beforeEach(() => test.setTimeout(every ? 1_200_000 : 90_000));

const inNode = { go: (request: GenerateRequest) => runOf(native, request, never), atOnce: SLOTS };
const inPage = { go: (request: GenerateRequest) => wllama.run(request), atOnce: 1 };

function asked({ question }: Known): GenerateRequest {
  return { turns: [{ role: 'user', content: question }], sampling: { temperature: 0 }, maxTokens: 1024 };
}

/** Some cuts of an answer, the first and the last among them. */
function some(pieces: readonly unknown[], count: number): number[] {
  const last = pieces.length;
  if (every) return Array.from({ length: last + 1 }, (_, i) => i);
  return Array.from({ length: count }, (_, i) => Math.round((i * last) / (count - 1)));
}

test('what llama.cpp in Node began, wllama finishes', async () => {
  expect(wllama.loaded).toMatchObject({ continues: 'text', replays: false });
  for (const [one, count] of [
    [short, CUTS.ofShort],
    [longest, Math.min(CUTS.ofLongest, 4)],
  ] as [Known, number][]) {
    const request = asked(one);
    const whole = await inNode.go(request);
    expect(textOf(whole.pieces)).toBe(one.answer);
    const cuts = some(whole.pieces, Math.min(count, whole.pieces.length + 1));
    expect(await wrongCuts({ request, whole, cuts, ids: true, ...inPage })).toEqual([]);
  }
});

test('what wllama began, llama.cpp in Node finishes, by its ids and by its text', async () => {
  for (const [one, count] of [
    [short, CUTS.ofShort],
    [longest, CUTS.ofLongest],
  ] as [Known, number][]) {
    const request = asked(one);
    const whole = await inPage.go(request);
    expect(textOf(whole.pieces)).toBe(one.answer);
    expect(whole.pieces).toEqual((await inNode.go(request)).pieces);
    const cuts = some(whole.pieces, Math.min(count, whole.pieces.length + 1));
    for (const ids of [true, false]) expect(await wrongCuts({ request, whole, cuts, ids, ...inNode })).toEqual([]);
  }
});

test('both continue bare text alike', async () => {
  const content = `<|im_start|>user\n${short.question}<|im_end|>\n<|im_start|>assistant\n`;
  const request = { ...asked(short), task: 'completion' as const, turns: [{ role: 'user' as const, content }] };
  const [here, there] = [await inNode.go(request), await inPage.go(request)];
  expect(textOf(here.pieces)).toBe(short.answer);
  expect(there).toEqual(here);
});

test('both hold an answer to a JSON schema, alike', async () => {
  const schema = readJsonSchema(
    JSON.stringify({
      type: 'object',
      properties: {
        kind: { enum: ['a mesh', 'a "net" – é😀'] },
        words: { type: 'array', items: { type: 'string', maxLength: 6 }, maxItems: 2 },
      },
      required: ['kind', 'words'],
    }),
  );
  const request = { ...asked(short), schema };
  const [here, there] = [await inNode.go(request), await inPage.go(request)];
  expect(JSON.parse(textOf(here.pieces))).toMatchObject({ kind: expect.any(String), words: expect.any(Array) });
  expect(textOf(there.pieces)).toBe(textOf(here.pieces));
  expect(there.finish).toEqual(here.finish);
  // The tokens that a form forces on a model are not those of their text read again: other words may follow, in the form.
  for (const { go } of [inNode, inPage]) {
    for (const cut of some(here.pieces, Math.min(CUTS.ofShort, here.pieces.length))) {
      const begun = prefixAt(here, cut, { ids: false });
      const rest = await go({ ...request, prefix: begun });
      const whole: unknown = JSON.parse(begun.text + textOf(rest.pieces));
      expect(whole).toEqual({ kind: expect.stringMatching(/^(a mesh|a "net" – é😀)$/), words: expect.any(Array) });
      expect(rest.finish.finish).toBe('stop');
    }
  }
  const prefix = { text: 'no JSON', tokens: 2, tokenIds: null };
  await expect(inPage.go({ ...request, prefix })).rejects.toMatchObject({ code: 'bad_schema' });
});

test(
  'wllama finishes what it began, refuses what does not fit, and stops when it is told to',
  { tag: '@wide' },
  async () => {
    const request = asked(longest);
    const whole = await inPage.go(request);
    expect(await wrongCuts({ request, whole, cuts: some(whole.pieces, 3), ids: false, ...inPage })).toEqual([]);

    const prefix = prefixAt(whole, 20, { ids: false });
    const few = await inPage.go({ ...request, prefix, maxTokens: 5 });
    expect(textOf(few.pieces)).toBe(textOf(whole.pieces.slice(20, 25)));
    expect(few.finish).toEqual({ ...whole.finish, finish: 'length', completionTokens: 5 });

    await expect(wllama.run({ ...request, prefix }, 3)).rejects.toMatchObject({ code: 'cancelled' });
    const tooLong = { text: 'many words '.repeat(20_000), tokens: 40_000, tokenIds: null };
    await expect(inPage.go({ ...request, prefix: tooLong })).rejects.toMatchObject({ code: 'prompt_too_long' });
    const halfOfAPair = { text: `${prefix.text}\ud83d`, tokens: 21, tokenIds: null };
    expect(
      (await inPage.go({ ...request, prefix: halfOfAPair, maxTokens: 2 })).finish.completionTokens,
    ).toBeGreaterThan(0);
    expect(textOf((await inPage.go({ ...request, prefix })).pieces)).toBe(textOf(whole.pieces.slice(20)));
  },
);

test('the context that a prefix just fills has ended the answer, in both engines', async () => {
  const request = asked(short);
  for (const { go } of [inNode, inPage]) {
    const { finish } = await go({ ...request, maxTokens: 1 });
    const fills = (tokens: number) => ({ text: ' a'.repeat(tokens), tokens, tokenIds: null });
    const room = 2048 - finish.promptTokens;
    expect(await go({ ...request, prefix: fills(room) })).toEqual({
      pieces: [],
      finish: { finish: 'length', promptTokens: finish.promptTokens, completionTokens: 0 },
    });
    await expect(go({ ...request, prefix: fills(room + 1) })).rejects.toMatchObject({ code: 'prompt_too_long' });
  }
});

test('wllama computes no more than a few pieces ahead of its reader', async () => {
  const { text, mostAhead } = await wllama.runSlowly(asked(short), 20);
  expect(text).toBe(short.answer);
  expect(mostAhead).toBeLessThanOrEqual(5);
});
