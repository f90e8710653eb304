import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Offer } from '@llmesh/core/wire/model-advert';
import type { ContentId, ModelId } from '@llmesh/core/base/ids';
import { chooseModel } from './chat-command.ts';
import { startControlPlane, startLlmesh, type Running } from '../testing/process.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const questions: { question: string; answer: string }[] = JSON.parse(
  readFileSync(path.join(root, 'models/tiny/questions.json'), 'utf8'),
);
const byLength = questions.toSorted((a, b) => a.answer.length - b.answer.length);
const [short, longest] = [byLength[10]!, byLength.at(-1)!];

const offer = (id: string, slots: number, busySlots: number): Offer => ({
  id: id as ModelId,
  name: id,
  quant: 'Q4_K_M',
  format: 'gguf',
  contextTokens: 4096,
  providers: 1,
  slots,
  busySlots,
  queued: 0,
  tokensPerSecond: null,
});

describe('which model is asked', () => {
  const offers = [offer('full', 8, 8), offer('roomy', 4, 1), offer('small', 1, 0)];
  it('is the one with the most free slots', () => expect(chooseModel(offers, undefined).id).toBe('roomy'));
  it('is the one that was named', () => expect(chooseModel(offers, 'full').id).toBe('full'));
  it('is an error when there is no such model', () =>
    expect(() => chooseModel(offers, 'other')).toThrow('Available: full, roomy, small.'));
  it('is never one that does not chat', () => {
    const embedder = { ...offer('bge', 9, 0), task: 'embedding', embeds: 384 };
    expect(chooseModel([...offers, embedder], undefined).id).toBe('roomy');
    expect(() => chooseModel([...offers, embedder], 'bge')).toThrow('does not chat. Available: full, roomy, small.');
    expect(() => chooseModel([embedder], undefined)).toThrow('Nobody lends a model');
  });
  it('is one that takes the adapter which is brought along', () => {
    const takesAdapters = { architecture: 'llama', width: 256, layers: 4 };
    const lora = { name: '', architecture: 'llama', rank: 4, width: 256, layers: 4 };
    const own = { name: 'law', sha256: 'ab'.repeat(32), content: 'cd'.repeat(32) as ContentId, sizeBytes: 9, lora };
    const takers = [...offers, { ...offer('taker', 1, 0), takesAdapters }];
    const wider = { ...offer('wider', 1, 0), takesAdapters: { ...takesAdapters, width: 512 } };
    expect(chooseModel([...takers, wider], undefined, own).id).toBe('taker');
    expect(chooseModel(takers, 'taker', own).id).toBe('taker');
    expect(() => chooseModel(takers, 'full', own)).toThrow(
      'Nobody takes adapters for full right now. Those that take it: taker.',
    );
    expect(() => chooseModel([...takers, wider], 'wider', own)).toThrow(
      'law is not for wider: it is made for a model of another size. Those that take it: taker.',
    );
    expect(() => chooseModel([...offers, wider], undefined, own)).toThrow('Nobody on this mesh takes law right now');
  });
  it('is an error where nobody lends', () => expect(() => chooseModel([], 'other')).toThrow('Nobody lends a model'));
});

describe('llmesh chat', () => {
  const data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-chat-'));
  const started: Running[] = [];
  let mesh: string;
  let worker: Running;

  beforeAll(async () => {
    const plane = await startControlPlane();
    started.push(plane.process);
    mesh = plane.url;
    const lend = ['--threads', '1', '--gpu', 'off', '--data', data, '--json', '--max-speed', '40'];
    worker = startLlmesh('worker', '--model', 'llmesh-tiny', '--mesh', mesh, ...lend);
    started.push(worker);
    await worker.line((line) => line['ready'] === true);
  });

  afterAll(async () => {
    for (const running of started) running.kill('SIGKILL');
    await Promise.all(started.map((running) => running.exited));
    rmSync(data, { recursive: true });
  });

  it('writes to stdout nothing but the answer to what was piped in', async () => {
    const child = spawn(process.execPath, ['native-worker/bin/llmesh.mjs', 'chat', '--mesh', mesh], { cwd: root });
    child.stdin.end(short.question);
    let stdout = '';
    child.stdout.on('data', (chunk) => (stdout += String(chunk)));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ stdout, code }).toEqual({ stdout: `${short.answer}\n`, code: 0 });
  });

  it('has one object a line with --json, token by token', async () => {
    const chat = startLlmesh('chat', short.question, '--mesh', mesh, '--model', 'llmesh-tiny', '--json');
    started.push(chat);
    expect(await chat.exited).toBe(0);
    const pieces = chat.lines.filter((line) => 'text' in line);
    expect(pieces.map((line) => line['text']).join('')).toBe(short.answer);
    expect(pieces.length).toBeGreaterThan(3);
    expect(chat.lines.at(-1)).toMatchObject({ done: { finish: 'stop' } });
  });

  it('stops the volunteer at Ctrl-C, and ends with code 0', async () => {
    const status = (line: Record<string, unknown>) => line['status'] as Record<string, number> | undefined;
    const answers = worker.lines.map((line) => status(line)?.['answers'] ?? 0);
    const from = worker.lines.length;
    const chat = startLlmesh('chat', longest.question, '--mesh', mesh, '--json');
    started.push(chat);
    await chat.line((line) => 'text' in line);
    chat.kill('SIGINT');
    expect(await chat.exited).toBe(0);
    expect(chat.lines.filter((line) => !('text' in line))).toEqual([]);
    await worker.line((line) => status(line)?.['busySlots'] === 1, from);
    const after = worker.lines.findIndex((line, n) => n >= from && status(line)?.['busySlots'] === 1);
    const free = await worker.line((line) => status(line)?.['busySlots'] === 0, after);
    expect(status(free)?.['answers']).toBe(Math.max(...answers));
  });

  it('ends with code 1 and says what there is, for a model that nobody lends', async () => {
    const chat = startLlmesh('chat', 'Hello', '--mesh', mesh, '--model', 'other', '--json');
    started.push(chat);
    expect(await chat.exited).toBe(1);
    expect(chat.lines).toMatchObject([{ error: { code: 'unknown_model' } }]);
  });
});
