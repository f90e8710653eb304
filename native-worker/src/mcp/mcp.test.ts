/** `llmesh mcp` as assistants use it: the protocol's own client, a real process, a mesh of processes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { CallToolResultSchema, type CallToolResult, type Progress } from '@modelcontextprotocol/sdk/types.js';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addKey } from '../gateway/keys.ts';
import { writeEmbedder } from '../testing/embedder-gguf.ts';
import { startControlPlane, startLlmesh, type Running } from '../testing/process.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const questions: { question: string; answer: string }[] = JSON.parse(
  readFileSync(path.join(root, 'models/tiny/questions.json'), 'utf8'),
);
const byLength = questions.toSorted((a, b) => a.answer.length - b.answer.length);
const [short, longest] = [byLength[10]!, byLength.at(-1)!];
const data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-mcp-'));
const started: Running[] = [];
const clients: Client[] = [];
let mesh: string;
let worker: Running;

beforeAll(async () => {
  const plane = await startControlPlane();
  started.push(plane.process);
  mesh = plane.url;
  const embedder = writeEmbedder(path.join(data, 'embedder.gguf'));
  const lend = ['--threads', '1', '--gpu', 'off', '--data', data, '--json', '--max-speed', '40'];
  worker = startLlmesh('worker', '--model', 'llmesh-tiny', '--model', embedder, '--mesh', mesh, ...lend);
  started.push(worker);
  await worker.line((line) => line['ready'] === true);
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  for (const running of started) running.kill('SIGKILL');
  await Promise.all(started.map((running) => running.exited));
  rmSync(data, { recursive: true });
});

async function assistant(args: string[], env: Record<string, string> = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const given = { ...env, PATH: process.env['PATH'] ?? '', HOME: data };
  const program = { command: process.execPath, args: ['native-worker/bin/llmesh.mjs', 'mcp', ...args], cwd: root };
  await client.connect(new StdioClientTransport({ ...program, env: given, stderr: 'ignore' }));
  clients.push(client);
  return client;
}

async function use(client: Client, name: string, args: object, options?: RequestOptions): Promise<CallToolResult> {
  const params = { name, arguments: { ...args } };
  return CallToolResultSchema.parse(await client.callTool(params, CallToolResultSchema, options));
}

/** All of its text. */
function said({ content }: CallToolResult): string {
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
}

describe('on a mesh', () => {
  let client: Client;
  beforeAll(async () => {
    client = await assistant(['--mesh', mesh]);
  });

  it('says what it can do, and who reads along', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['ask', 'embed', 'list_models']);
    expect(tools[0]?.inputSchema).toMatchObject({
      required: ['question'],
      properties: { question: { type: 'string' }, model: {}, system: {}, max_tokens: { type: 'integer' } },
    });
    expect(client.getInstructions()).toContain('can read what it is asked');
  });

  it('answers a question, and tells meanwhile how far it is', async () => {
    const steps: Progress[] = [];
    const answered = await use(
      client,
      'ask',
      { question: longest.question },
      { onprogress: (step) => steps.push(step) },
    );
    expect(said(answered)).toBe(longest.answer);
    expect(answered.structuredContent).toEqual({ answer: longest.answer, model: 'llmesh-tiny', cut: false });
    expect(steps[0]).toEqual({ progress: 1, message: 'Waiting for a volunteer with llmesh-tiny' });
    expect(steps.at(-1)?.message).toMatch(/^Answering, \d+ pieces so far$/);
    expect(steps.map(({ progress }) => progress)).toEqual(steps.map((_, n) => n + 1));
  });

  it('says when an answer was cut', async () => {
    const answered = await use(client, 'ask', { question: longest.question, max_tokens: 3, model: 'llmesh-tiny' });
    expect(answered.structuredContent).toMatchObject({ cut: true });
    expect(said(answered)).toContain('cut after 3 tokens');
  });

  it('turns texts into vectors, by a model that does', async () => {
    const { structuredContent } = await use(client, 'embed', { texts: ['a frog', 'a newt'] });
    const { model, vectors } = structuredContent as { model: string; vectors: number[][] };
    expect([model, vectors.length]).toEqual(['embedder', 2]);
    const [first = [], second = []] = vectors;
    expect(first.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 3);
    expect(second).toHaveLength(first.length);
  });

  it('lists what is lent', async () => {
    const listed = await use(client, 'list_models', {});
    expect(listed.structuredContent).toMatchObject({
      models: [
        { model: 'embedder', task: 'embedding' },
        { model: 'llmesh-tiny', name: 'LLMesh tiny', task: 'chat', context_tokens: expect.any(Number) },
      ],
    });
    expect(said(listed)).toContain('llmesh-tiny: LLMesh tiny');
  });

  it.each([
    [
      'There is no model "none" on this mesh. Available: embedder, llmesh-tiny.',
      'ask',
      { question: 'Why?', model: 'none' },
    ],
    ['Write a question.', 'ask', { question: ' ' }],
    ['Ask for at least one token.', 'ask', { question: 'Why?', max_tokens: 0 }],
    ['the model reads at most', 'ask', { question: 'Why? '.repeat(20_000), model: 'llmesh-tiny' }],
    ['Give at least one text.', 'embed', { texts: [] }],
    ['chats and turns no text into vectors', 'embed', { texts: ['a'], model: 'llmesh-tiny' }],
  ])('says what is wrong: %s', async (words, tool, args) => {
    const answered = await use(client, tool, args);
    expect([answered.isError, said(answered)]).toEqual([true, expect.stringContaining(words)]);
  });

  it('stops the volunteer when a call is cancelled, and goes on', async () => {
    const status = (line: Record<string, unknown>) => line['status'] as Record<string, number> | undefined;
    const from = worker.lines.length;
    const cancel = new AbortController();
    const call = use(
      client,
      'ask',
      { question: longest.question },
      {
        signal: cancel.signal,
        onprogress: ({ message = '' }) => message.startsWith('Answering') && cancel.abort('not needed any more'),
      },
    );
    await expect(call).rejects.toThrow('not needed any more');
    await worker.line((line) => status(line)?.['busySlots'] === 1, from);
    const after = worker.lines.findIndex((line, n) => n >= from && status(line)?.['busySlots'] === 1);
    await worker.line((line) => status(line)?.['busySlots'] === 0, after);
    expect(said(await use(client, 'ask', { question: short.question }))).toBe(short.answer);
  });
});

it('writes nothing but the protocol to stdout, no words of anybody to stderr, and ends with its assistant', async () => {
  const child = spawn(process.execPath, ['native-worker/bin/llmesh.mjs', 'mcp', '--mesh', mesh], { cwd: root });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (part) => (stdout += String(part)));
  child.stderr.on('data', (part) => (stderr += String(part)));
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const clientInfo = { name: 'test', version: '1' };
  send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo } });
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/call', params: { name: 'ask', arguments: { question: short.question } } });
  const lines = () =>
    stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  await expect.poll(() => lines().map(({ id }) => id), { timeout: 20_000 }).toEqual([1, 2]);
  expect(lines().every(({ jsonrpc }) => jsonrpc === '2.0')).toBe(true);
  child.stdin.end();
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(stderr).toBe('');
});

it('says why a mesh cannot be asked', async () => {
  const client = await assistant(['--mesh', 'http://127.0.0.1:1']);
  const answered = await use(client, 'list_models', {});
  expect(answered.isError).toBe(true);
  expect(said(answered)).toMatch(/^The mesh at http:\/\/127.0.0.1:1 cannot be asked\. Nothing listens at/);
});

it('asks a gateway, with its key', async () => {
  const keys = path.join(data, 'keys');
  const key = await addKey(keys, 'assistant');
  const options = ['--mesh', mesh, '--port', '0', '--keys', keys, '--data', data, '--json'];
  const gateway = startLlmesh('gateway', ...options);
  started.push(gateway);
  const { url } = await gateway.line((line) => line['ready'] === true);
  const address = String(url);
  const without = await use(await assistant(['--gateway', address]), 'list_models', {});
  expect([without.isError, said(without)]).toEqual([true, expect.stringContaining('Put one into LLMESH_API_KEY.')]);
  const wrong = await assistant(['--gateway', address], { LLMESH_API_KEY: 'sk-llmesh-other' });
  expect(said(await use(wrong, 'list_models', {}))).toContain('The one in LLMESH_API_KEY does not open it.');
  const right = await assistant(['--gateway', address.replace(/\/v1$/, '/')], { LLMESH_API_KEY: key });
  expect(said(await use(right, 'ask', { question: short.question }))).toBe(short.answer);
  const gone = await assistant(['--gateway', 'http://127.0.0.1:1']);
  expect(said(await use(gone, 'list_models', {}))).toContain('Nothing answers there (ECONNREFUSED).');
}, 120_000);
