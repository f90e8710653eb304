/** Real vectors by llama.cpp, of the tiny model made into one that embeds. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { getLlama, LlamaLogLevel, type Llama } from 'node-llama-cpp';
import { realClock } from '@llmesh/core/base/clock';
import { testEmbedder } from '@llmesh/core/engine/embedder-self-test';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DutyCycle } from './context/duty-cycle.ts';
import { LlamaEngine, type LlamaModelFile } from './llama-engine.ts';
import { writeEmbedder } from '../testing/embedder-gguf.ts';

const TEXTS = ['What is LLMesh?', 'A frog and a newt.', 'Who pays?'];
const CONTEXT_TOKENS = 64;
const never = new AbortController().signal;
const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-embedder-'));
const [mean, last, rank] = (['mean', 'last', 'rank'] as const).map((pooling) =>
  writeEmbedder(path.join(folder, `${pooling}.gguf`), pooling),
) as [string, string, string];

async function load(file: string, options: Partial<LlamaModelFile> = {}, duty: DutyCycle | null = null) {
  const engine = new LlamaEngine(undefined, duty);
  const model = { path: file, gpu: 'off' as const, threads: 1, contextTokens: CONTEXT_TOKENS, ...options };
  return { engine, loaded: await engine.load(model, () => {}, never) };
}

async function vectorsOf(engine: LlamaEngine, texts: readonly string[], signal = never): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for await (const { vector } of engine.embed(texts, signal)) vectors.push(vector);
  return vectors;
}

describe('a model that embeds', () => {
  let engine: LlamaEngine;
  let llama: Llama;
  beforeAll(async () => {
    llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1, logLevel: LlamaLogLevel.error });
    const { engine: opened, loaded } = await load(mean, { slots: 4 });
    engine = opened;
    expect(loaded).toEqual({
      contextTokens: CONTEXT_TOKENS,
      backend: 'cpu',
      slots: 1,
      continues: 'none',
      replays: false,
      embeds: 256,
    });
  });
  afterAll(async () => {
    await engine.close();
    await llama.dispose();
    rmSync(folder, { recursive: true });
  });

  it.each([mean, last])('makes the vectors that llama.cpp makes, of length one: %#', async (file) => {
    const model = await llama.loadModel({ modelPath: file, useMmap: false });
    const context = await model.createEmbeddingContext({ contextSize: 2048, threads: 1 });
    const opened = file === mean ? engine : (await load(file)).engine;
    const vectors = await vectorsOf(opened, TEXTS);
    for (const [i, text] of TEXTS.entries()) {
      const { vector: raw } = await context.getEmbeddingFor(text);
      const length = Math.hypot(...raw);
      expect([...vectors[i]!]).toEqual(raw.map((number) => Math.fround(number / length)));
    }
    expect(vectors).toHaveLength(TEXTS.length);
    if (opened !== engine) await opened.close();
    await model.dispose();
  });

  it('passes its self-test', () => testEmbedder(engine, realClock, never));

  it('counts the tokens of each text', async () => {
    const counts: number[] = [];
    for await (const { promptTokens } of engine.embed(['a frog', 'a frog and a frog'], never))
      counts.push(promptTokens);
    expect(counts[0]).toBeGreaterThan(0);
    expect(counts[1]).toBeGreaterThan(counts[0]!);
  });

  it('reads a text to the end of its context, and refuses what is longer or nothing', async () => {
    const words = (n: number) => 'frog '.repeat(n);
    let most = 1;
    let tooLong = null;
    for (; tooLong === null; most += 1) tooLong = await vectorsOf(engine, [words(most)]).then(() => null, String);
    expect(tooLong).toMatch(/A text takes 6[5-9] tokens; the model reads at most 64 at once\. Split it/);
    for (const text of [words(most + 1), words(100_000)]) {
      await expect(vectorsOf(engine, [text])).rejects.toMatchObject({ code: 'prompt_too_long' });
    }
    await expect(vectorsOf(engine, [''])).rejects.toMatchObject({ code: 'empty_prompt' });
  });

  it('stops between two texts, and when it is closed', async () => {
    const abort = new AbortController();
    const made = engine.embed(TEXTS, abort.signal);
    await made.next();
    abort.abort();
    await expect(made.next()).rejects.toMatchObject({ code: 'cancelled' });
    const { engine: other } = await load(last);
    const closing = other.embed(TEXTS, never);
    await closing.next();
    const stopped = expect(closing.next()).rejects.toMatchObject({ code: 'cancelled' });
    await other.close();
    await stopped;
    await expect(vectorsOf(other, TEXTS)).rejects.toMatchObject({ code: 'engine_failed' });
  });

  it('keeps to the share of the time that its owner gives', async () => {
    const duty = new DutyCycle(0.9, realClock);
    const step = vi.spyOn(duty, 'step');
    const { engine: sharing } = await load(last, {}, duty);
    expect(await vectorsOf(sharing, TEXTS)).toHaveLength(TEXTS.length);
    expect(step).toHaveBeenCalledTimes(TEXTS.length);
    await sharing.close();
  });

  it('does not chat, as one that chats does not embed', async () => {
    const request = { turns: [{ role: 'user' as const, content: 'why?' }], sampling: {}, maxTokens: 10 };
    await expect(engine.generate(request, never).next()).rejects.toMatchObject({ code: 'engine_failed' });
    const chats = await load(writeEmbedder(path.join(folder, 'none.gguf'), 'none'), { slots: 1 });
    expect(chats.loaded).toMatchObject({ slots: 1, continues: 'ids' });
    expect(chats.loaded.embeds).toBeUndefined();
    await expect(vectorsOf(chats.engine, TEXTS)).rejects.toMatchObject({ code: 'engine_failed' });
    await chats.engine.close();
  });

  it('that only ranks is not lent', async () => {
    await expect(load(rank)).rejects.toMatchObject({
      code: 'model_unreadable',
      message: expect.stringContaining('ranks'),
    });
  });
});
