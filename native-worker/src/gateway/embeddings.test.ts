/** Vectors over the gateway: on a memory mesh with scripted embedders, and by llama.cpp with clients that people use. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createOpenAI } from '@ai-sdk/openai';
import { OpenAIEmbeddings } from '@langchain/openai';
import { embedMany } from 'ai';
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect } from '@llmesh/core/client';
import { MeshError } from '@llmesh/core/base/errors';
import { advert, embedderAdvert } from '@llmesh/core/testing/scripted-server';
import { ScriptedEmbedder, ScriptedEngine, vectorOf } from '@llmesh/core/testing/scripted-engine';
import type { ModelId } from '@llmesh/core/base/ids';
import { writeEmbedder } from '../testing/embedder-gguf.ts';
import { startControlPlane, startLlmesh, type Running } from '../testing/process.ts';
import { faults } from './testing/conformance.ts';
import { GatewayWorld } from './testing/gateway-world.ts';

const json = ({ text }: { text: string }) => JSON.parse(text);

describe('on a mesh of scripted embedders', () => {
  let gateway = new GatewayWorld();
  beforeEach(() => {
    gateway = new GatewayWorld();
  });
  afterEach(() => gateway.close());

  async function provide(name = 'm'): Promise<{ embedder: ScriptedEmbedder; peer: string }> {
    const embedder = new ScriptedEmbedder();
    const offered = { ...embedderAdvert, id: name as ModelId };
    const { mesh } = await gateway.world.provide(embedder, 1, null, offered);
    return { embedder, peer: mesh.self };
  }
  const asked = async (body: object) => {
    const answered = await gateway.whole(gateway.embed(body));
    return { ...answered, body: json(answered) };
  };

  it('a text or several become vectors, with what it took and who made them', async () => {
    const { peer } = await provide();
    await gateway.open(['m'], { embeds: { m: 2 } });
    const { status, headers, body } = await asked({ input: ['a', 'bc'], user: 'me', dimensions: 2 });
    expect(status).toBe(200);
    expect(faults('CreateEmbeddingResponse', body)).toEqual([]);
    expect(body).toMatchObject({
      data: [
        { index: 0, embedding: [...vectorOf('a')] },
        { index: 1, embedding: [...vectorOf('bc')] },
      ],
      model: 'm',
      usage: { prompt_tokens: 4, total_tokens: 4 },
    });
    expect(headers.get('x-llmesh-provider')).toBe(peer);
    const base64 = await asked({ input: 'a', encoding_format: 'base64' });
    expect(base64.body.data).toEqual([{ object: 'embedding', index: 0, embedding: 'AACAPwAAwkI=' }]);
  });

  it('a request that cannot be carried out is refused by the name of its parameter', async () => {
    await provide();
    await gateway.world.provide(new ScriptedEngine(['a']), 1, null, { ...advert, id: 'chats' as ModelId });
    await gateway.open(['m', 'chats'], { embeds: { m: 2 } });
    const cases: [object, string, RegExp][] = [
      [{}, 'input', /missing/],
      [{ input: [] }, 'input', /up to 2048/],
      [{ input: [1, 2] }, 'input', /Token ids/],
      [{ input: [[1], [2]] }, 'input', /Token ids/],
      [{ input: Array.from({ length: 2_049 }, () => 'a') }, 'input', /up to 2048/],
      [{ input: ' ' }, 'input', /empty text/i],
      [{ input: ['a', ''] }, 'input[1]', /empty text/i],
      [{ input: 'a', encoding_format: 'hex' }, 'encoding_format', /float/],
      [{ input: 'a', dimensions: 1 }, 'dimensions', /2 numbers/],
      [{ input: 'a', stream: true }, 'stream', /no parameter/],
      [{ input: 'a', model: 'chats' }, 'model', /chats and turns no text into vectors\. Available: m\./],
      [{ input: 'a', privacy: 'own' }, 'privacy', /--own/],
    ];
    for (const [body, param, message] of cases) {
      const answered = await asked(body);
      expect([answered.status, answered.body.error.param]).toEqual([400, param]);
      expect(answered.body.error.message).toMatch(message);
      expect(faults('ErrorObject', answered.body.error)).toEqual([]);
    }
    const chat = json(await gateway.whole(gateway.chat({ model: 'm' })));
    expect(chat.error).toMatchObject({
      param: 'model',
      message: expect.stringMatching(/does not chat\. Available: chats\./),
    });
    expect((await asked({ input: 'a', model: 'none' })).status).toBe(404);
    expect(json(await gateway.whole(gateway.fetch('/v1/models/m')))).toMatchObject({ llmesh: { vector_size: 2 } });
  });

  it('a text that is too long is about the input, wherever that is noticed', async () => {
    const { embedder } = await provide();
    embedder.failAfter = { texts: 0, error: new MeshError('prompt_too_long', 'A text takes 70 tokens. Split it.') };
    await gateway.open(['m'], { embeds: { m: 2 } });
    const { status, body } = await asked({ input: 'a' });
    expect([status, body.error]).toMatchObject([400, { param: 'input', code: 'context_length_exceeded' }]);
  });

  it('a volunteer that fails is replaced, and a model by the next of the list', async () => {
    const { embedder, peer } = await provide();
    const other = await provide();
    embedder.failAfter = { texts: 1, error: new MeshError('engine_failed', 'No more.') };
    await gateway.open(['m', 'n'], { embeds: { m: 2, n: 2 } });
    const resumed = await asked({ input: ['a', 'b', 'c'] });
    expect(resumed.body.data).toHaveLength(3);
    expect(resumed.headers.get('x-llmesh-provider')).toBe(`${peer}, ${other.peer}`);
    const fallen = await asked({ input: 'a', model: 'n', models: ['m'], provider: { ignore: [peer] } });
    expect([fallen.status, fallen.body.model, fallen.headers.get('x-llmesh-provider')]).toEqual([200, 'm', other.peer]);
  });

  it('a client that hangs up stops the volunteer; one that nobody has time for hears so', async () => {
    const { embedder } = await provide();
    embedder.hold = new Promise(() => {});
    await gateway.open(['m'], { embeds: { m: 2 } });
    const abort = new AbortController();
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ model: 'm', input: 'a' });
    const left = gateway.fetch('/v1/embeddings', { method: 'POST', headers, body, signal: abort.signal });
    left.catch(() => {});
    const { server, clock } = gateway.world;
    await expect.poll(() => clock.advance(20).then(() => embedder.waiting)).toBe(1);
    abort.abort();
    await expect.poll(() => clock.advance(20).then(() => embedder.waiting)).toBe(0);
    server.busy = true;
    const waiting = gateway.embed({ input: 'a' });
    await expect.poll(() => clock.advance(20).then(() => server.line.length)).toBe(1);
    await clock.advance(300_000);
    expect((await gateway.whole(waiting)).status).toBe(503);
    expect(gateway.failures).toEqual([]);
  });
});

describe('by llama.cpp', () => {
  const MODEL = 'embedder';
  const TEXTS = ['What is LLMesh?', 'A frog and a newt.', 'Who pays?'];
  const data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-embeddings-'));
  const file = writeEmbedder(path.join(data, `${MODEL}.gguf`));
  const started: Running[] = [];
  /** The vectors that llama.cpp makes without a mesh. */
  let vectors: number[][] = [];
  let meshUrl = '';
  let worker: Running;
  let openai: OpenAI;
  let options = { baseURL: '', apiKey: '' };

  beforeAll(async () => {
    const plane = await startControlPlane();
    started.push(plane.process);
    meshUrl = plane.url;
    const lend = ['--threads', '1', '--gpu', 'off', '--data', data, '--json', '--unload-after', '2'];
    worker = startLlmesh('worker', '--model', file, '--model', 'llmesh-tiny', '--mesh', plane.url, ...lend);
    const made = startLlmesh('key', 'test', '--data', data, '--json');
    started.push(worker, made);
    vectors = await rawVectors();
    await Promise.all([worker.line((line) => line['ready'] === true), made.exited]);
    const gateway = startLlmesh('gateway', '--mesh', plane.url, '--port', '0', '--data', data, '--json');
    started.push(gateway);
    const baseURL = String((await gateway.line((line) => line['ready'] === true))['url']);
    options = { baseURL, apiKey: String(made.lines[0]?.['key']) };
    openai = new OpenAI({ ...options, maxRetries: 0 });
    await vi.waitFor(async () => expect((await openai.models.list()).data).toHaveLength(2), { timeout: 10_000 });
  });
  afterAll(async () => {
    for (const running of started) running.kill('SIGKILL');
    await Promise.all(started.map((running) => running.exited));
    rmSync(data, { recursive: true });
  });

  async function rawVectors(): Promise<number[][]> {
    const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1, logLevel: LlamaLogLevel.error });
    const model = await llama.loadModel({ modelPath: file, useMmap: false });
    const context = await model.createEmbeddingContext({ threads: 1 });
    const raw: number[][] = [];
    for (const text of TEXTS) raw.push([...(await context.getEmbeddingFor(text)).vector]);
    await llama.dispose();
    return raw.map((vector) => vector.map((number) => Math.fround(number / Math.hypot(...vector))));
  }

  it('the openai client gets the vectors that llama.cpp makes, in both encodings', async () => {
    const floats = await openai.embeddings.create({ model: MODEL, input: TEXTS, encoding_format: 'float' });
    expect(faults('CreateEmbeddingResponse', floats)).toEqual([]);
    expect(floats.data.map(({ embedding }) => embedding)).toEqual(vectors);
    expect(floats.usage.prompt_tokens).toBeGreaterThan(TEXTS.length);
    const { data: decoded, response } = await openai.embeddings
      .create({ model: MODEL, input: TEXTS[1]! })
      .withResponse();
    expect(decoded.data.map(({ embedding }) => [...embedding])).toEqual([vectors[1]]);
    expect(response.headers.get('x-llmesh-provider')).toMatch(/^[a-z2-7]{32}$/);
  });

  it('the Vercel AI SDK and LangChain.js get them, too', async () => {
    const model = createOpenAI(options).embedding(MODEL);
    expect((await embedMany({ model, values: TEXTS, maxRetries: 0 })).embeddings).toEqual(vectors);
    const { baseURL, apiKey } = options;
    const langChain = new OpenAIEmbeddings({ model: MODEL, apiKey, configuration: { baseURL }, maxRetries: 0 });
    expect(await langChain.embedDocuments(TEXTS)).toEqual(vectors);
    expect(await langChain.embedQuery(TEXTS[2]!)).toEqual(vectors[2]);
  });

  it('hundreds of texts come in their order', async () => {
    const input = Array.from({ length: 300 }, (_, i) => TEXTS[i % TEXTS.length]!);
    const { data: made } = await openai.embeddings.create({ model: MODEL, input });
    expect(made.map(({ embedding }) => [...embedding])).toEqual(input.map((_, i) => vectors[i % TEXTS.length]));
  });

  it('a text that is too long is refused, and so is a model that is not made for it', async () => {
    const long = openai.embeddings.create({ model: MODEL, input: 'frog '.repeat(5_000) });
    await expect(long).rejects.toMatchObject({ status: 400, param: 'input', code: 'context_length_exceeded' });
    const chats = openai.embeddings.create({ model: 'llmesh-tiny', input: 'a' });
    await expect(chats).rejects.toMatchObject({ status: 400, param: 'model' });
    const messages = [{ role: 'user' as const, content: 'Hello' }];
    const embeds = openai.chat.completions.create({ model: MODEL, messages });
    await expect(embeds).rejects.toMatchObject({ status: 400, param: 'model' });
  });

  it('the model leaves the memory, and comes back for the next text', async () => {
    const turned = (loaded: boolean, from: number) =>
      worker.line((line) => line['model'] === MODEL && line['loaded'] === loaded, from);
    const from = worker.lines.length;
    await openai.embeddings.create({ model: MODEL, input: TEXTS });
    await turned(false, from);
    const out = worker.lines.length;
    const { data: made } = await openai.embeddings.create({ model: MODEL, input: TEXTS[0]! });
    expect(made.map(({ embedding }) => [...embedding])).toEqual([vectors[0]]);
    await turned(true, out);
  });

  it('a program of its own gets them from the mesh without a gateway', async () => {
    const mesh = await connect(meshUrl);
    try {
      const made = await mesh.embed({ inputs: TEXTS });
      expect(made.map((vector) => [...vector])).toEqual(vectors);
    } finally {
      await mesh.close();
    }
  });
});
