import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realClock } from '@llmesh/core/base/clock';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import type { PeerId } from '@llmesh/core/base/ids';
import { runOf, textOf } from '@llmesh/core/suites/continuation';
import type { DraftChoice } from './draft.ts';
import { DutyCycle } from '../context/duty-cycle.ts';
import { LlamaEngine, type LlamaModelFile } from '../llama-engine.ts';
import { readMachine } from '../context/machine.ts';
import { ofArchitecture, respelled, worseModel } from '../../testing/worse-model.ts';

const tiny = fileURLToPath(new URL('../../../../models/tiny/', import.meta.url));
const file = path.join(tiny, 'llmesh-tiny.gguf');
const bytes = readFileSync(file);
const questions: { question: string; answer: string }[] = JSON.parse(
  readFileSync(path.join(tiny, 'questions.json'), 'utf8'),
);
const long = questions.toSorted((a, b) => b.answer.length - a.answer.length).slice(40, 43);
const never = new AbortController().signal;

const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-draft-'));
afterAll(() => rmSync(folder, { recursive: true }));
const written = (name: string, content: Buffer | string) => {
  const to = path.join(folder, name);
  writeFileSync(to, content);
  return to;
};

const load = async (more: Partial<LlamaModelFile> = {}, engine = new LlamaEngine()) => {
  try {
    await engine.load({ path: file, threads: 1, gpu: 'off', slots: 2, ...more }, () => {}, never);
    return engine;
  } catch (thrown) {
    await engine.close();
    throw thrown;
  }
};

/** So cold that only the likeliest token is ever sampled, and yet not exact: nobody relies on it. */
const COLD = { temperature: 0.001 };
const ask = (question: string, more: Partial<GenerateRequest> = {}): GenerateRequest => ({
  turns: [{ role: 'user', content: question }],
  sampling: COLD,
  maxTokens: 1024,
  ...more,
});
const answer = async (engine: LlamaEngine, request: GenerateRequest, signal = never) => {
  const { pieces, finish } = await runOf(engine, request, signal);
  return { text: textOf(pieces), ids: pieces.flatMap(({ tokenIds }) => tokenIds ?? []), finish };
};

let plain: LlamaEngine;
beforeAll(async () => {
  plain = await load();
});
afterAll(() => plain.close());

describe.each<[string, DraftChoice]>([
  ['the model itself', { path: file }],
  ['a worse model', { path: written('worse.gguf', worseModel(bytes, 7)) }],
  ['the conversation', 'lookup'],
])('an answer that is guessed ahead by %s', (name, draft) => {
  let helped: LlamaEngine;
  beforeAll(async () => {
    helped = await load({ draft });
  });
  afterAll(() => helped.close());

  it('is the same, as long, and known again in the next turn', async () => {
    for (const { question, answer: known } of long) {
      const turns: GenerateRequest['turns'] = [{ role: 'user', content: question }];
      const first = await answer(helped, ask('', { turns }));
      expect(first.text).toBe(known);
      expect(first.finish).toEqual((await answer(plain, ask('', { turns }))).finish);
      turns.push({ role: 'assistant', content: first.text }, { role: 'user', content: question });
      for (const sampling of [COLD, { temperature: 0 }]) {
        const second = ask('', { turns, sampling, maxTokens: 40 });
        expect(await answer(helped, second)).toEqual(await answer(plain, second));
      }
    }
    const { guessed, taken } = helped.guesses;
    expect(taken).toBeGreaterThan(0);
    if (name === 'the model itself') expect(taken).toBe(guessed);
    if (name === 'a worse model') expect(taken).toBeLessThan(guessed);
  });

  it('is not guessed where it has to come out the same each time', async () => {
    const before = helped.guesses;
    for (const sampling of [{ temperature: 0 }, { temperature: 1, seed: 7 }]) {
      const exact = ask(long[0]?.question ?? '', { sampling });
      expect(await answer(helped, exact)).toEqual(await answer(plain, exact));
    }
    expect(helped.guesses).toEqual(before);
  });

  it('is not guessed where more is asked than its words', async () => {
    const before = helped.guesses;
    const known = long[0];
    const odds = ask(known?.question ?? '', { logprobs: 2 });
    const { pieces } = await runOf(helped, odds, never);
    expect(textOf(pieces)).toBe(known?.answer);
    expect(pieces.every(({ logprobs = [] }) => logprobs.length > 0)).toBe(true);
    const penalized = { ...COLD, frequencyPenalty: 0.01 };
    expect((await answer(helped, ask(known?.question ?? '', { sampling: penalized }))).text).toBe(known?.answer);
    expect(helped.guesses).toEqual(before);
  });

  it('counts its tokens, and stops where it should', async () => {
    for (const maxTokens of [1, 7, 30]) {
      const { ids, finish } = await answer(helped, ask(long[0]?.question ?? '', { maxTokens }));
      expect(finish).toMatchObject({ finish: 'length', completionTokens: maxTokens });
      expect(ids).toHaveLength(maxTokens);
    }
    const { ids, finish } = await answer(helped, ask('Hello', { sampling: { temperature: 1 } }));
    expect(finish.finish).toBe('stop');
    expect(ids.length).toBe(finish.completionTokens);
  });

  it('leaves nothing behind that changes a later one when it is broken off', async () => {
    for (const { question, answer: known } of long) {
      const stop = new AbortController();
      let pieces = 0;
      const broken = async () => {
        for await (const _ of helped.generate(ask(question), stop.signal)) {
          pieces += 1;
          if (pieces % 9 === 0) stop.abort();
        }
      };
      await expect(broken()).rejects.toMatchObject({ code: 'cancelled' });
      for (const requester of ['ada', 'bob'] as PeerId[]) {
        expect((await answer(helped, ask(question, { requester }))).text).toBe(known);
      }
    }
  });

  it('continues when others come and go', async () => {
    const answers = await Promise.all(long.map(({ question }) => answer(helped, ask(question))));
    expect(answers.map(({ text }) => text)).toEqual(long.map((one) => one.answer));
  });
});

describe('a draft', () => {
  it('computes within its share of the time', async () => {
    const engine = await load({ draft: { path: file } }, new LlamaEngine(readMachine, new DutyCycle(0.5, realClock)));
    const answers = await Promise.all(long.map(({ question }) => answer(engine, ask(question))));
    expect(answers.map(({ text }) => text)).toEqual(long.map((one) => one.answer));
    expect((await answer(engine, ask(long[0]?.question ?? ''))).text).toBe(long[0]?.answer);
    expect(engine.guesses.guessed).toBeGreaterThan(0);
    await engine.close();
  });

  it('is refused when its vocabulary is another', async () => {
    const other = respelled(bytes, 'mesh', 'mish');
    const path = written('other-words.gguf', other);
    await expect(load({ draft: { path } })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/--draft.*vocabulary.*same family/),
    });
  });

  it('is refused when a wrong guess could not be taken back', async () => {
    const recurrent = written('recurrent.gguf', ofArchitecture(bytes, 'mamba'));
    await expect(load({ draft: { path: recurrent } })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('another for --draft'),
    });
    await expect(load({ path: recurrent, draft: 'lookup' })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('Leave --draft out'),
    });
  });

  it('is named when it is the file that cannot be read', async () => {
    for (const path of [written('cut.gguf', bytes.subarray(0, bytes.length >> 1)), written('text.gguf', 'No model.')]) {
      await expect(load({ draft: { path } })).rejects.toMatchObject({
        code: 'model_unreadable',
        message: expect.stringContaining(path),
      });
    }
  });

  it('needs memory, which is counted', async () => {
    const small = () => new LlamaEngine(() => Promise.resolve({ ramBytes: 9e6, vramBytes: 0, unified: false }));
    const wish = { slots: 1, contextTokens: 1024 };
    await (await load(wish, small())).close();
    await expect(load({ ...wish, draft: { path: file } }, small())).rejects.toMatchObject({
      code: 'out_of_memory',
      message: expect.stringContaining('Without --draft it fits.'),
    });
    await (await load({ ...wish, draft: 'lookup' }, small())).close();
  });
});
