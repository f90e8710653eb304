/** What clients cannot ask of a mesh in one process: a gateway, a control plane and a worker that run as such. `npm run compat` has more clients. */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createOpenAI } from '@ai-sdk/openai';
import { OpenAI as LangChainOpenAI } from '@langchain/openai';
import { generateText } from 'ai';
import OpenAI from 'openai';
import { VERSION } from 'openai/version';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startControlPlane, startLlmesh, type Running } from '../testing/process.ts';
import { addKey } from './keys.ts';
import { faults, schemaVersions } from './testing/conformance.ts';
import { contentOf, eventsOf } from './testing/gateway-world.ts';

const MODEL = 'llmesh-tiny';
const root = fileURLToPath(new URL('../../../', import.meta.url));
const questions: { question: string; answer: string }[] = JSON.parse(
  readFileSync(path.join(root, 'models/tiny/questions.json'), 'utf8'),
);
const byLength = questions.toSorted((a, b) => a.answer.length - b.answer.length);
const [short, longest] = [byLength[10]!, byLength.at(-1)!];
const messages = [{ role: 'user' as const, content: short.question }];

const data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-gateway-'));
const started: Running[] = [];
let worker: Running;
let key = '';
let baseURL = '';
let openai: OpenAI;

beforeAll(async () => {
  const made = startLlmesh('key', 'test', '--data', data, '--json');
  started.push(made);
  const [plane] = await Promise.all([startControlPlane(), made.exited]);
  started.push(plane.process);
  const lend = ['--threads', '1', '--gpu', 'off', '--data', data, '--json', '--max-speed', '80'];
  worker = startLlmesh('worker', '--model', MODEL, '--mesh', plane.url, ...lend);
  const gateway = startLlmesh('gateway', '--mesh', plane.url, '--port', '0', '--data', data, '--json');
  started.push(worker, gateway);
  const ready = (line: Record<string, unknown>) => line['ready'] === true;
  const [{ url }] = await Promise.all([gateway.line(ready), worker.line(ready)]);
  baseURL = String(url);
  key = String(made.lines[0]?.['key']);
  openai = new OpenAI({ baseURL, apiKey: key, maxRetries: 0 });
  await vi.waitFor(async () => expect((await openai.models.list()).data).toHaveLength(1), { timeout: 10_000 });
});

afterAll(async () => {
  for (const running of started) running.kill('SIGKILL');
  await Promise.all(started.map((running) => running.exited));
  rmSync(data, { recursive: true });
});

/** How many pieces came, and whether time passed between them. */
async function arrivals<T>(stream: AsyncIterable<T>, textOf: (part: T) => string) {
  const atMs: number[] = [];
  let text = '';
  for await (const part of stream) {
    const piece = textOf(part);
    if (piece === '') continue;
    atMs.push(performance.now());
    text += piece;
  }
  return { text, pieces: atMs.length, apart: atMs.at(-1)! > atMs[0]! };
}
const tokenByToken = (answer: string) => ({
  text: answer,
  pieces: expect.toSatisfy((n: number) => n > 3),
  apart: true,
});

it('checks answers against the types of the client that it runs', () => expect(schemaVersions.openai).toBe(VERSION));

describe('the openai client', () => {
  it('lists the models and gets a whole answer', async () => {
    const page = await openai.models.list();
    expect(page.data.map(({ id }) => id)).toEqual([MODEL]);
    expect(page.data.flatMap((model) => faults('Model', model))).toEqual([]);
    const { data: completion, response } = await openai.chat.completions
      .create({ model: MODEL, messages, temperature: 0, seed: 1, max_tokens: 200 })
      .withResponse();
    expect(completion.choices[0]?.message.content).toBe(short.answer);
    expect(completion.usage?.completion_tokens).toBeGreaterThan(3);
    expect(faults('ChatCompletion', completion)).toEqual([]);
    expect(response.headers.get('x-llmesh-provider')).toMatch(/^[a-z2-7]{32}$/);
  });

  it('streams token by token', async () => {
    const stream = await openai.chat.completions.create({ model: MODEL, messages, stream: true });
    const came = await arrivals(stream, (chunk) => chunk.choices[0]?.delta.content ?? '');
    expect(came).toEqual(tokenByToken(short.answer));
  });

  it('hears how likely each token was', async () => {
    const asked = { model: MODEL, messages, temperature: 0, logprobs: true, top_logprobs: 2, presence_penalty: -0.1 };
    const completion = await openai.chat.completions.create(asked);
    expect(faults('ChatCompletion', completion)).toEqual([]);
    const content = completion.choices[0]?.logprobs?.content ?? [];
    expect(content.map(({ token }) => token).join('')).toBe(completion.choices[0]?.message.content);
    expect(content.map((token) => token.top_logprobs.length)).toEqual(content.map(() => 2));
  });

  it('gets bare text continued', async () => {
    const prompt = `<|im_start|>user\n${short.question}<|im_end|>\n<|im_start|>assistant\n`;
    const asked = { model: MODEL, prompt, temperature: 0, max_tokens: 200, logprobs: 1 };
    const completion = await openai.completions.create(asked);
    expect(faults('Completion', completion)).toEqual([]);
    expect(completion).toMatchObject({ choices: [{ text: short.answer, finish_reason: 'stop' }] });
    const stream = await openai.completions.create({ ...asked, stream: true });
    expect(await arrivals(stream, (chunk) => chunk.choices[0]?.text ?? '')).toEqual(tokenByToken(short.answer));
  });

  it('hears what an answer took that a stop sequence ended', async () => {
    const asked = { model: MODEL, messages, stop: short.answer.slice(4, 7) };
    const { choices, usage } = await openai.chat.completions.create(asked);
    expect(choices[0]?.message.content).toBe(short.answer.slice(0, 4));
    expect(usage?.prompt_tokens).toBeGreaterThan(5);
  });

  it('has the words chosen as it says, by a volunteer that can', async () => {
    const wild = { model: MODEL, messages, temperature: 2, top_p: 1, seed: 1, max_tokens: 200 };
    const said = async (more: object) =>
      (await openai.chat.completions.create({ ...wild, ...more })).choices[0]?.message.content;
    expect(await said({ top_k: 1 })).toBe(short.answer);
    expect(await said({ min_p: 1, top_k: -1 })).toBe(short.answer);
    expect(short.answer.startsWith((await said({ top_k: -1, max_tokens: 20 })) ?? '')).toBe(false);
  });

  it('sends back an answer that said nothing, and one that called a function', async () => {
    const on = { type: 'object', properties: { on: { const: true } }, required: ['on'], additionalProperties: false };
    const functions = [{ name: 'lamp', parameters: on }];
    const cut = await openai.chat.completions.create({ model: MODEL, messages, stop: short.answer.slice(0, 1) });
    const called = await openai.chat.completions.create({
      model: MODEL,
      messages,
      functions,
      function_call: { name: 'lamp' },
    });
    const [empty, call] = [cut.choices[0]!.message, called.choices[0]!.message];
    expect(empty.content).toBe('');
    expect(call.function_call).toEqual({ name: 'lamp', arguments: '{"on":true}' });
    expect(called.choices[0]?.finish_reason).toBe('function_call');
    expect(faults('ChatCompletion', called)).toEqual([]);
    const history = [...messages, empty, ...messages, call, { role: 'function' as const, name: 'lamp', content: null }];
    const next = await openai.chat.completions.create({ model: MODEL, messages: history, functions, max_tokens: 40 });
    expect(next.usage?.prompt_tokens).toBeGreaterThan(called.usage!.prompt_tokens);
  });

  it('throws its own errors', async () => {
    const ask = (body: object) => openai.chat.completions.create({ model: MODEL, messages, ...body });
    await expect(ask({ model: 'gpt-4o' })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(ask({ store: true })).rejects.toMatchObject({ status: 400, param: 'store' });
    await expect(openai.embeddings.create({ model: MODEL, input: 'x' })).rejects.toMatchObject({
      status: 400,
      param: 'model',
    });
    const stranger = new OpenAI({ baseURL, apiKey: 'sk-llmesh-wrong', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
  });

  it('that stops listening stops the volunteer', async () => {
    const status = (line: Record<string, unknown>) => line['status'] as Record<string, number> | undefined;
    const from = worker.lines.length;
    const answered = Math.max(...worker.lines.map((line) => status(line)?.['answers'] ?? 0));
    const question = [{ role: 'user' as const, content: longest.question }];
    const stream = await openai.chat.completions.create({ model: MODEL, messages: question, stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    await worker.line((line) => status(line)?.['busySlots'] === 1, from);
    const after = worker.lines.findIndex((line, n) => n >= from && status(line)?.['busySlots'] === 1);
    const free = await worker.line((line) => status(line)?.['busySlots'] === 0, after);
    expect(status(free)?.['answers']).toBe(answered);
  });
});

describe('clients of bare text', () => {
  it('the Vercel AI SDK and LangChain.js get their answers', async () => {
    const prompt = `<|im_start|>user\n${short.question}<|im_end|>\n<|im_start|>assistant\n`;
    const vercel = createOpenAI({ baseURL, apiKey: key }).completion(MODEL);
    const { text } = await generateText({ model: vercel, messages, temperature: 0, maxOutputTokens: 5, maxRetries: 0 });
    expect(text).not.toBe('');
    const options = { model: MODEL, apiKey: key, configuration: { baseURL }, maxRetries: 0, temperature: 0 };
    expect(await new LangChainOpenAI({ ...options, maxTokens: 200 }).invoke(prompt)).toBe(short.answer);
  });
});

describe('curl', () => {
  const request = (body: object) => [
    ...['-sS', '-N', `${baseURL}/chat/completions`, '-H', `Authorization: Bearer ${key}`],
    ...['-H', 'Content-Type: application/json', '-d', JSON.stringify({ model: MODEL, messages, ...body })],
  ];

  it('gets a whole answer', async () => {
    const { stdout } = await promisify(execFile)('curl', request({}));
    expect(JSON.parse(stdout)).toMatchObject({ choices: [{ message: { content: short.answer } }] });
    expect(faults('ChatCompletion', JSON.parse(stdout))).toEqual([]);
  });

  it('streams chunks that are as OpenAI declares them, and one by one', async () => {
    const child = spawn('curl', request({ stream: true, stream_options: { include_usage: true } }));
    let reads = 0;
    let text = '';
    for await (const part of child.stdout) {
      reads += 1;
      text += String(part);
    }
    expect(reads).toBeGreaterThan(3);
    expect(contentOf(text)).toBe(short.answer);
    const events = eventsOf(text);
    expect(events.at(-1)).toBe('[DONE]');
    expect(events.slice(0, -1).flatMap((chunk) => faults('ChatCompletionChunk', chunk))).toEqual([]);
    expect(events.at(-2)).toMatchObject({ usage: { completion_tokens: expect.toSatisfy((n: number) => n > 3) } });
  });
});

it('accepts a key that is made while it runs, until its line is gone', async () => {
  const file = path.join(data, 'gateway', 'keys');
  const before = readFileSync(file, 'utf8');
  const headers = { authorization: `Bearer ${await addKey(file, 'second')}` };
  const status = async () => (await fetch(`${baseURL}/models`, { headers })).status;
  await expect.poll(status, { timeout: 10_000 }).toBe(200);
  writeFileSync(file, before);
  await expect.poll(status, { timeout: 10_000 }).toBe(401);
  expect((await openai.models.list()).data).toHaveLength(1);
});

it('does not let others in where nobody made a key', async () => {
  const open = startLlmesh('gateway', '--host', '0.0.0.0', '--port', '0', '--keys', path.join(data, 'none'), '--json');
  started.push(open);
  expect(await open.exited).toBe(1);
  expect(open.lines).toMatchObject([{ error: { message: expect.stringContaining('llmesh key <name>') } }]);
});

it('answers two hundred clients at once', async () => {
  const asked = Array.from({ length: 200 }, () =>
    openai.chat.completions.create({ model: MODEL, messages, max_tokens: 2 }),
  );
  const texts = (await Promise.all(asked)).map(({ choices }) => choices[0]?.message.content ?? '');
  expect(texts.filter((text) => text !== '' && short.answer.startsWith(text))).toHaveLength(200);
});
