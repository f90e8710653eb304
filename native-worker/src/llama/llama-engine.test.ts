import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import type { PeerId } from '@llmesh/core/base/ids';
import { prefixAt, runOf, textOf, wrongCuts, type Run } from '@llmesh/core/suites/continuation';
import { engineSuite } from '@llmesh/core/suites/engine';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { readJsonSchema } from '@llmesh/core/form/json-schema';
import { DutyCycle } from './context/duty-cycle.ts';
import { openLlama } from './context/llama-device.ts';
import { LlamaEngine, type LlamaModelFile } from './llama-engine.ts';

const tiny = fileURLToPath(new URL('../../../models/tiny/', import.meta.url));
const file = path.join(tiny, 'llmesh-tiny.gguf');
const questions: { question: string; answer: string }[] = JSON.parse(
  readFileSync(path.join(tiny, 'questions.json'), 'utf8'),
);
const never = new AbortController().signal;

const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-engine-'));
const truncated = path.join(folder, 'truncated.gguf');
const notAModel = path.join(folder, 'text.gguf');
const bytes = readFileSync(file);
writeFileSync(truncated, bytes.subarray(0, bytes.length >> 1));
writeFileSync(notAModel, 'This is no model.');
afterAll(() => rmSync(folder, { recursive: true }));

// One thread: with two on two busy cores llama.cpp waits for itself most of the time.
const on = (modelFile: string): LlamaModelFile => ({ path: modelFile, threads: 1, gpu: 'off' });

engineSuite('node-llama-cpp', {
  make: () => new LlamaEngine(),
  model: on(file),
  truncated: on(truncated),
  notAModel: on(notAModel),
  missing: on(path.join(folder, 'missing.gguf')),
  questions: sample(questions),
  prefills: false,
});

describe('LlamaEngine', () => {
  const longest = questions.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));
  let engine: LlamaEngine;
  beforeAll(async () => {
    engine = new LlamaEngine();
    await engine.load({ ...on(file), slots: 2 }, () => {}, never);
  });
  afterAll(() => engine.close());

  it('lets more answers than slots wait their turn', async () => {
    const asked = questions.slice(0, 5);
    const answers = await Promise.all(asked.map(({ question }) => answer(engine, ask(question))));
    expect(answers.map(({ text }) => text)).toEqual(asked.map((one) => one.answer));
  });

  it('writes the same, and several at once, in a share of the time; and ends in the middle of a rest', async () => {
    const clock = new ManualClock();
    const shared = new LlamaEngine(undefined, new DutyCycle(0.5, clock));
    await shared.load({ ...on(file), slots: 2 }, () => {}, never);
    const until = async (done: () => boolean) => {
      while (!done()) {
        await new Promise((resolve) => setImmediate(resolve));
        clock.turn(1);
      }
    };
    let whole = 0;
    const both = [longest, questions[0]!].map(async ({ question }) => {
      const { text } = await answer(shared, ask(question));
      whole += 1;
      return text;
    });
    await until(() => whole === 2);
    expect(await Promise.all(both)).toEqual([longest.answer, questions[0]!.answer]);
    const begun = new Set<AbortSignal>();
    const write = async (signal: AbortSignal) => {
      for await (const _ of shared.generate(ask(longest.question), signal)) begun.add(signal);
    };
    const abort = new AbortController();
    const stopped = [write(abort.signal), write(never)] as const;
    const ended = expect(stopped[1]).rejects.toMatchObject({ code: 'cancelled' });
    await until(() => begun.size === 2);
    // From here on the clock stands still, and the rest has no end.
    abort.abort();
    await expect(stopped[0]).rejects.toMatchObject({ code: 'cancelled' });
    await shared.close();
    await ended;
  });

  it('forgets a waiting answer that is cancelled, and gives its slot to the next', async () => {
    const abort = new AbortController();
    const running = [answer(engine, ask(longest.question)), answer(engine, ask(longest.question))];
    const waiting = answer(engine, ask(longest.question), abort.signal);
    const next = answer(engine, ask(longest.question));
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    for (const { text } of await Promise.all([...running, next])) expect(text).toBe(longest.answer);
  });

  it('computes a third turn to the same tokens on a warm sequence and on a fresh engine', async () => {
    const turns: GenerateRequest['turns'] = [];
    for (const { question } of questions.slice(0, 3)) {
      turns.push({ role: 'user', content: question });
      const { text } = await answer(engine, { ...ask(''), turns: [...turns] });
      turns.push({ role: 'assistant', content: text });
    }
    turns.push({ role: 'user', content: longest.question });
    const warm = await answer(engine, { ...ask(''), turns });
    const other = new LlamaEngine();
    await other.load(on(file), () => {}, never);
    const fresh = await answer(other, { ...ask(''), turns });
    await other.close();
    expect(fresh.finish.promptTokens).toBeGreaterThan(128);
    expect(warm.ids).toEqual(fresh.ids);
  });

  it('holds an answer to a JSON schema, and continues one at every third cut', async () => {
    const word = { type: 'string', minLength: 1, maxLength: 6 };
    const text = JSON.stringify({
      type: 'object',
      properties: {
        kind: { enum: ['mesh', 'the "net" – é😀'] },
        words: { type: 'array', items: word, minItems: 2, maxItems: 3 },
        sure: { type: 'boolean' },
        next: { anyOf: [{ type: 'null' }, { $ref: '#' }] },
        maybe: { const: { x: [1] } },
      },
      required: ['kind', 'words', 'sure', 'next'],
    });
    const request = { ...ask('What is LLMesh?'), schema: readJsonSchema(text) };
    const go = (one: GenerateRequest) => runOf(engine, one, never);
    const whole = await go(request);
    const answered = JSON.parse(textOf(whole.pieces)) as Record<string, unknown>;
    expect(answered).toMatchObject({
      sure: expect.any(Boolean),
      kind: expect.stringMatching(/^(mesh|the "net" – é😀)$/),
    });
    expect(answered['words']).toSatisfy((words: string[]) => words.length >= 2 && words.every((w) => w.length <= 6));
    expect(whole.finish.finish).toBe('stop');
    const cuts = whole.pieces.map((_, i) => i).filter((i) => i % 3 === 0);
    expect(await wrongCuts({ request, whole, go, cuts, atOnce: 2, ids: true, replay: true })).toEqual([]);
  });

  it('refuses to continue what does not follow the schema', async () => {
    const schema = readJsonSchema('{"type":"boolean"}');
    const prefix = { text: 'hello', tokens: 1, tokenIds: null };
    await expect(answer(engine, { ...ask('Hello'), schema, prefix })).rejects.toMatchObject({ code: 'bad_schema' });
    // The engine is whole.
    expect((await answer(engine, { ...ask('Hello'), schema })).text).toMatch(/^(true|false)$/);
  });

  it.each([
    ['any object', { type: 'object', maxProperties: undefined }, /^\{/],
    ['an empty list', { type: 'array', maxItems: 0 }, /^\[\]$/],
    ['a list of two', { type: 'array', items: { type: 'null' }, minItems: 2, maxItems: 2 }, /^\[null,null\]$/],
    ['nothing', { type: 'object', properties: {}, additionalProperties: false }, /^\{\}$/],
    ['optional keys', { properties: { a: { type: 'null' }, b: { type: 'null' } } }, /^\{("a":null)?,?("b":null)?\}$/],
    ['a map', { type: 'object', additionalProperties: { type: 'boolean' } }, /^\{/],
    [
      'lists of lists of bounded strings',
      {
        type: 'array',
        maxItems: 256,
        minItems: 1,
        items: { type: 'array', maxItems: 256, items: { type: 'string', maxLength: 256 } },
      },
      /^\[\[/,
    ],
    ['a number', { type: 'number' }, /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/],
    ['a whole number', { type: 'integer', minimum: Number.MIN_SAFE_INTEGER }, /^-?\d+$/],
  ])('writes %s', async (_, schema, wanted) => {
    const { text } = await answer(engine, { ...ask('Hello'), schema: readJsonSchema(JSON.stringify(schema)) });
    expect(text).toMatch(wanted);
  });

  it('continues bare text, without a template around it', async () => {
    const chat = `<|im_start|>user\n${longest.question}<|im_end|>\n<|im_start|>assistant\n`;
    const bare = { ...ask(chat), task: 'completion' as const };
    expect(await answer(engine, bare)).toMatchObject({ text: longest.answer });
    expect((await answer(engine, { ...ask(longest.question), task: 'completion' })).text).not.toBe(longest.answer);
  });

  it('repeats itself less with a penalty, also when it continues at any cut', async () => {
    const [, most] = mostFrequent((await answer(engine, ask(longest.question))).ids);
    const request = { ...ask(longest.question), sampling: { temperature: 0, presencePenalty: 2, frequencyPenalty: 2 } };
    const go = (one: GenerateRequest) => runOf(engine, { ...one, maxTokens: 40 - (one.prefix?.tokens ?? 0) }, never);
    const whole = await go(request);
    const [, least] = mostFrequent(whole.pieces.flatMap(({ tokenIds }) => tokenIds ?? []));
    expect(most).toBeGreaterThan(4);
    expect(least).toBeLessThan(most);
    const cuts = [1, 10, Math.min(whole.pieces.length, 30)];
    expect(await wrongCuts({ request, whole, go, cuts, atOnce: 2, ids: true, replay: true })).toEqual([]);
  });

  it('tells how likely each token was before anything was cut or scaled', async () => {
    const expected = await rawOdds(longest.question, longest.answer);
    const hot = { ...ask('cats and dogs'), sampling: { temperature: 2, seed: 7 }, maxTokens: 40 };
    // Two run at once, and each hears of its own.
    const [told, sampled] = await Promise.all([
      answer(engine, { ...ask(longest.question), logprobs: 3 }),
      answer(engine, { ...hot, logprobs: 0 }),
    ]);
    expect(told.text).toBe(longest.answer);
    const odds = told.pieces.flatMap((piece) => {
      expect(piece.logprobs).toHaveLength(piece.tokens);
      return piece.logprobs ?? [];
    });
    expect(odds.map(({ text }) => text).join('')).toBe(longest.answer);
    for (const [i, { text, logprob, top }] of odds.entries()) {
      // It was computed in one go there, and so differs in the last bits.
      expect(logprob).toBeCloseTo(expected[i] ?? NaN, 1);
      expect(top).toHaveLength(3);
      expect(top[0]).toEqual({ text, logprob });
      expect(top.reduce((sum, one) => sum + Math.exp(one.logprob), 0)).toBeLessThanOrEqual(1.0001);
    }
    // Asking changes nothing, and a temperature changes what is chosen, not how likely it was.
    expect((await answer(engine, hot)).ids).toEqual(sampled.ids);
    const greedy = await answer(engine, { ...hot, sampling: { temperature: 0 }, logprobs: 20 });
    const chosen = sampled.pieces.flatMap((piece) => piece.logprobs ?? []);
    const [first] = greedy.pieces[0]?.logprobs ?? [];
    expect(first?.top.filter(({ text }) => text === chosen[0]?.text)[0]?.logprob).toBeCloseTo(
      chosen[0]?.logprob ?? NaN,
      4,
    );
    expect(chosen.every(({ top }) => top.length === 0)).toBe(true);
  });

  it('says with its first piece how long the question was', async () => {
    const { pieces, finish } = await answer(engine, ask(longest.question));
    expect(pieces.map(({ promptTokens }) => promptTokens)).toEqual([
      finish.promptTokens,
      ...pieces.slice(1).map(() => undefined),
    ]);
  });

  it('leaves nothing behind a continued answer that changes a later one', async () => {
    const { pieces } = await answer(engine, ask(longest.question));
    const prefix = prefixAt({ pieces }, pieces.length - 1, { ids: true });
    const turns: GenerateRequest['turns'] = [
      { role: 'user', content: longest.question },
      { role: 'assistant', content: longest.answer },
      { role: 'user', content: longest.question },
    ];
    const fresh = new LlamaEngine();
    await fresh.load(on(file), () => {}, never);
    const expected = await answer(fresh, { ...ask(''), turns });
    await fresh.close();
    const one = new LlamaEngine();
    await one.load({ ...on(file), slots: 1 }, () => {}, never);
    for (const replay of [true, false]) {
      await answer(one, { ...ask(longest.question), prefix: { ...prefix, replay } });
      expect((await answer(one, { ...ask(''), turns })).ids).toEqual(expected.ids);
    }
    await one.close();
  });

  it('answers each requester as if alone, though they share a system prompt', async () => {
    const fresh = new LlamaEngine();
    await fresh.load({ ...on(file), slots: 1 }, () => {}, never);
    const one = new LlamaEngine();
    await one.load({ ...on(file), slots: 1 }, () => {}, never);
    const system = { role: 'system' as const, content: 'Answer kindly, in short sentences. '.repeat(12) };
    const alike = questions.slice(0, 3).map(({ question }, i) => ({
      ...ask(''),
      maxTokens: 24,
      turns: [system, { role: 'user' as const, content: question }],
      requester: `requester${i}` as PeerId,
    }));
    for (const request of alike) {
      // Nothing exact can be kept from an answer that was sampled on the same sequence.
      await answer(one, { ...request, sampling: { temperature: 1 }, maxTokens: 8 });
      const warm = await answer(one, request);
      await answer(fresh, ask(longest.question));
      expect(warm.ids).toEqual((await answer(fresh, { ...request, requester: 'nobody' as PeerId })).ids);
      expect(warm.finish.promptTokens).toBeGreaterThan(128);
    }
    await fresh.close();
    await one.close();
  });

  it('lets a newcomer in while others are in the middle of their answers', async () => {
    const busy = new LlamaEngine();
    await busy.load({ ...on(file), slots: 4 }, () => {}, never);
    // These sequences have to forget something first.
    await Promise.all(questions.slice(0, 4).map(({ question }) => answer(busy, ask(question))));
    const begun: (() => void)[] = [];
    const allBegun = Promise.all([0, 1, 2].map(() => new Promise<void>((resolve) => begun.push(resolve))));
    let ended = 0;
    const others = begun.map(async (tell) => {
      for await (const _ of busy.generate(ask(longest.question), never)) tell();
      ended += 1;
    });
    await allBegun;
    const newcomer = busy.generate(ask(questions[5]?.question ?? ''), never);
    expect((await newcomer.next()).done).toBe(false);
    expect(ended).toBe(0);
    await newcomer.return({ finish: 'stop', promptTokens: 0, completionTokens: 0 });
    await Promise.all(others);
    await busy.close();
  });

  it('has ended an answer with the context that a prefix just fills', async () => {
    const { pieces, finish } = await answer(engine, ask(longest.question));
    const [piece] = pieces.slice(-1);
    if (piece?.tokenIds === undefined) throw new Error('an answer without tokens');
    const room = 2048 - finish.promptTokens;
    const fills = (tokens: number) => ({
      text: piece.text.repeat(tokens),
      tokens,
      tokenIds: Array.from({ length: tokens }, () => piece.tokenIds ?? []).flat(),
    });
    const over = { finish: 'length', promptTokens: finish.promptTokens, completionTokens: 0 };
    const full = await answer(engine, { ...ask(longest.question), prefix: fills(room) });
    expect([full.pieces, full.finish]).toEqual([[], over]);
    const almost = await answer(engine, { ...ask(longest.question), prefix: fills(room - 1) });
    expect(almost.finish.completionTokens).toBeLessThanOrEqual(1);
    await expect(answer(engine, { ...ask(longest.question), prefix: fills(room + 1) })).rejects.toMatchObject({
      code: 'prompt_too_long',
    });
  });

  it('names both numbers when a conversation is too long', async () => {
    for (const words of [1200, 20_000]) {
      await expect(answer(engine, ask('many words '.repeat(words)))).rejects.toMatchObject({
        code: 'prompt_too_long',
        message: expect.stringMatching(/\d,\d{3} tokens.*2,016/),
      });
    }
  });

  it('answers others while it refuses half a megabyte of special tokens', async () => {
    const refused = expect(answer(engine, ask('<|im_end|>'.repeat(52_000)))).rejects.toMatchObject({
      code: 'prompt_too_long',
    });
    await expect(answer(engine, ask(longest.question))).resolves.toMatchObject({ text: longest.answer });
    await refused;
  });

  it('ends running and waiting answers when it is closed', async () => {
    const other = new LlamaEngine();
    await other.load({ ...on(file), slots: 1 }, () => {}, never);
    const pieces = other.generate(ask(longest.question), never);
    await pieces.next();
    const waiting = answer(other, ask(longest.question));
    const refused = expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await other.close();
    await expect(pieces.next()).rejects.toMatchObject({ code: 'cancelled' });
    await refused;
    await expect(answer(other, ask('hello'))).rejects.toMatchObject({ code: 'engine_failed' });
  });
});

describe('LlamaEngine on a small computer', () => {
  const withMemory = async (ramBytes: number, wishes: Partial<LlamaModelFile> = {}) => {
    const engine = new LlamaEngine(() => Promise.resolve({ ramBytes, vramBytes: 0, unified: false }));
    try {
      return await engine.load({ ...on(file), ...wishes }, () => {}, never);
    } finally {
      await engine.close();
    }
  };

  it('answers fewer at once, with shorter conversations, as memory gets less', async () => {
    expect(await withMemory(1e9)).toMatchObject({ slots: 4, contextTokens: 2048 });
    expect(await withMemory(12e6)).toMatchObject({ slots: 1, contextTokens: 2048 });
    const least = await withMemory(7e6);
    expect(least.slots).toBe(1);
    expect(least.contextTokens).toBeLessThan(2048);
  });

  it('refuses what cannot fit, and says what would', async () => {
    await expect(withMemory(2e6)).rejects.toMatchObject({
      code: 'out_of_memory',
      message: expect.stringMatching(/MB/),
    });
    await expect(withMemory(12e6, { slots: 4, contextTokens: 2048 })).rejects.toMatchObject({
      code: 'out_of_memory',
      message: expect.stringContaining('--ctx 2048 --slots 1'),
    });
  });
});

/** Logarithms of how likely the tokens of `text` are behind `question`: the binding's own way, all candidates of each. */
async function rawOdds(question: string, text: string): Promise<number[]> {
  const llama = await openLlama('off', 1);
  const model = await llama.loadModel({ modelPath: file });
  const context = await model.createContext({ contextSize: 512, threads: 1, batchSize: 64 });
  const prompt = model.tokenize(`<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`, true);
  const answered = model.tokenize(text);
  const generateNext = { probabilities: true, options: { temperature: 0 } };
  const evaluated = await context
    .getSequence()
    .controlledEvaluate([...prompt, ...answered].map((token) => [token, { generateNext }]));
  const odds = answered.map((token, i) =>
    Math.log(evaluated[prompt.length - 1 + i]?.next.probabilities?.get(token) ?? NaN),
  );
  await llama.dispose();
  return odds;
}

function mostFrequent(ids: readonly number[]): [id: number, times: number] {
  const times = new Map<number, number>();
  for (const id of ids) times.set(id, (times.get(id) ?? 0) + 1);
  return [...times].reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0]);
}

interface Answer extends Run {
  text: string;
  ids: number[];
}

async function answer(engine: LlamaEngine, request: GenerateRequest, signal = never): Promise<Answer> {
  const run = await runOf(engine, request, signal);
  return { ...run, text: textOf(run.pieces), ids: run.pieces.flatMap(({ tokenIds }) => tokenIds ?? []) };
}

function ask(question: string): GenerateRequest {
  return { turns: [{ role: 'user', content: question }], sampling: { temperature: 0 }, maxTokens: 1024 };
}

/** Questions spread over all subjects, with the longest answer. */
function sample<T extends { answer: string }>(all: readonly T[]): T[] {
  const step = Math.max(1, Math.floor(all.length / 12));
  const longest = all.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));
  return [...new Set([...all.filter((_, i) => i % step === 0), longest])];
}
