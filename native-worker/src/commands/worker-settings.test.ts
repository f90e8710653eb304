/** Real workers with a settings file: what they say and show, what they never say, and several models. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ModelId } from '@llmesh/core/base/ids';
import { loraGguf, TINY_MATRICES } from '../testing/lora-gguf.ts';
import { ModelMirror } from '../testing/model-mirror.ts';
import { startLlmesh } from '../testing/process.ts';
import { MeshOfProcesses } from '../testing/mesh-of-processes.ts';
import type { AnswerEvent, AskRequest } from '@llmesh/core/ask/answer';

const tiny = fileURLToPath(new URL('../../../models/tiny/', import.meta.url));
const questions: { question: string; answer: string }[] = JSON.parse(
  readFileSync(path.join(tiny, 'questions.json'), 'utf8'),
);
const { question, answer } = questions[0]!;
const detailsOf = (line: Record<string, unknown>) => (line['details'] ?? {}) as Record<string, unknown>;
const data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-log-'));
const config = path.join(data, 'mine.json');

describe('llmesh worker with a settings file', () => {
  const mesh = MeshOfProcesses.forTests({ LLMESH_RELAY_LINKS: '0' }, () => rmSync(data, { recursive: true }));
  const start = (...args: string[]) => {
    const worker = startLlmesh('worker', '--config', config, '--data', data, ...args);
    mesh.started.push(worker);
    return worker;
  };

  const ask = async (model: string, more: Partial<AskRequest> = {}, heard: (event: AnswerEvent) => void = () => {}) => {
    let text = '';
    const turns = [{ role: 'user' as const, content: question }];
    const asked = { model: model as ModelId, turns, sampling: { temperature: 0 }, maxTokens: 512, only: null, ...more };
    for await (const event of mesh.client.mesh.ask(asked, new AbortController().signal)) {
      if (event.type === 'piece') text += event.text;
      heard(event);
    }
    return text;
  };

  it('logs what happens, at every level, without a word of question or answer and without its key', async () => {
    const port = await freePort();
    const settings = { model: 'llmesh-tiny', mesh: mesh.url, threads: 1, gpu: 'off', slots: 2, 'metrics-port': port };
    writeFileSync(config, JSON.stringify({ ...settings, log: 'json', 'log-level': 'trace' }));
    const worker = start('--slots', '3');
    const logged = () =>
      worker.stderr
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    await expect
      .poll(() => logged().find((line) => detailsOf(line)['ready'] === true), { timeout: 20_000 })
      .toMatchObject({
        level: 30,
        details: { model: 'llmesh-tiny', slots: 3 },
        msg: expect.stringContaining('Serving'),
      });

    expect(await ask('llmesh-tiny')).toBe(answer);
    await expect
      .poll(async () => (await fetch(`http://localhost:${port}/metrics`)).text(), { timeout: 10_000 })
      .toContain('llmesh_worker_answers_total 1');

    const watching = startLlmesh('status', '--watch', '--data', data, '--json');
    const shown = startLlmesh('worker', 'status', '--data', data, '--json');
    mesh.started.push(watching, shown);
    const report = {
      mesh: mesh.url,
      life: 'active',
      models: [{ id: 'llmesh-tiny' }],
      slots: 3,
      answers: 1,
      pause: null,
    };
    expect(await watching.line(() => true)).toMatchObject({ worker: report });
    expect(await shown.exited).toBe(0);
    expect(shown.lines).toMatchObject([{ worker: report }]);

    worker.kill('SIGTERM');
    expect(await worker.exited).toBe(0);
    // There is nothing to watch any more.
    expect(await watching.exited).toBe(0);
    expect(logged().at(-1)).toMatchObject({ level: 30, msg: 'Stopping.', time: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect(logged().some((line) => line['msg'] === 'status' && detailsOf(line)['answers'] === 1)).toBe(true);
    expect(worker.lines).toEqual([]);
    const key = readFileSync(path.join(data, 'identity.key'), 'utf8').trim();
    const words = [...question.split(' '), ...answer.split(' ')].filter((word) => word.length > 6);
    expect(words.length).toBeGreaterThan(0);
    for (const secret of [question, answer, key, ...words]) expect(worker.stderr).not.toContain(secret);
  });

  it('lends several models, which leave the memory while nobody asks and are back for the next question', async () => {
    // Another file, and so another model: the same weights under another name.
    const bytes = readFileSync(path.join(tiny, 'llmesh-tiny.gguf'));
    bytes.write('Other', bytes.indexOf('LLMesh'));
    const file = path.join(data, 'other.gguf');
    writeFileSync(file, bytes);
    const settings = {
      model: ['llmesh-tiny', file],
      mesh: mesh.url,
      threads: 1,
      gpu: 'off',
      slots: 1,
      'unload-after': 1,
    };
    writeFileSync(config, JSON.stringify(settings));
    const worker = start('--json');
    const ready = await worker.line((line) => line['ready'] === true);
    expect(ready).toMatchObject({ model: 'llmesh-tiny', models: ['llmesh-tiny', 'other'], slots: 2 });
    await worker.line((line) => line['model'] === 'llmesh-tiny' && line['loaded'] === false);
    await worker.line((line) => line['model'] === 'other' && line['loaded'] === false);
    const before = worker.lines.length;
    expect(await ask('other')).toBe(answer);
    const back = await worker.line((line) => line['loaded'] === true, before);
    expect(back).toEqual({ model: 'other', loaded: true });
    expect(await ask('llmesh-tiny')).toBe(answer);

    // What others were told of is not there any more.
    await worker.line((line) => line['model'] === 'other' && line['loaded'] === false, worker.lines.indexOf(back));
    writeFileSync(file, readFileSync(path.join(tiny, 'llmesh-tiny.gguf')));
    await expect(ask('other')).rejects.toMatchObject({ code: expect.any(String) });
    expect(await worker.exited).toBe(1);
    expect(worker.lines.at(-1)).toMatchObject({ error: { code: 'model_integrity' } });

    writeFileSync(config, JSON.stringify({ ...settings, model: ['llmesh-tiny', path.join(tiny, 'llmesh-tiny.gguf')] }));
    const twice = start('--json');
    expect(await twice.exited).toBe(1);
    expect(twice.lines.at(-1)).toMatchObject({ error: { message: expect.stringContaining('llmesh-tiny') } });
  }, 60_000);

  it('lends a model with adapters; one that is killed in mid-answer is followed by another with the same', async () => {
    const file = path.join(data, 'law.gguf');
    writeFileSync(file, loraGguf(TINY_MATRICES, { seed: 1, strength: 1 }));
    const wrong = path.join(data, 'wrong.gguf');
    writeFileSync(
      wrong,
      loraGguf([{ name: 'blk.0.attn_q.weight', inputs: 64, outputs: 64 }], { seed: 1, strength: 1 }),
    );
    const settings = { model: 'llmesh-tiny', mesh: mesh.url, threads: 1, gpu: 'off', slots: 2, 'lora-cap': 1 };
    writeFileSync(config, JSON.stringify({ ...settings, lora: [file, wrong] }));
    const refused = start('--json');
    expect(await refused.exited).toBe(1);
    expect(refused.lines.at(-1)).toMatchObject({
      error: { code: 'model_unreadable', message: expect.stringMatching(/another size .*attn_q/) },
    });

    const mirror = await new ModelMirror().listen();
    const other = loraGguf(TINY_MATRICES, { seed: 2, strength: 1 });
    const fetched = createHash('sha256').update(other).digest('hex');
    mirror.files.set(`/lora/${fetched}.gguf`, other);
    const lora = { lora: [file], 'lora-from': `${mirror.origin}/lora` };
    writeFileSync(config, JSON.stringify({ ...settings, ...lora }));
    const folder = path.join(data, 'other');
    const workers = [start('--json', '--max-speed', '25'), start('--json', '--max-speed', '25', '--data', folder)];
    const ready = await Promise.all(workers.map((worker) => worker.line((line) => line['ready'] === true)));
    const [adapter] = ready[0]!['adapters'] as { sha256: string }[];
    expect(adapter).toEqual({ model: 'llmesh-tiny', name: 'Test adapter 1', sha256: expect.any(String) });
    const request = { adapter: adapter?.sha256 ?? '', maxTokens: 24 };
    const plain = await ask('llmesh-tiny', { maxTokens: 24 });
    expect(answer).toContain(plain);
    const seams: unknown[] = [];
    let writer: unknown = null;
    let pieces = 0;
    const text = await ask('llmesh-tiny', request, (event) => {
      if (event.type === 'provider') writer = event.candidate.peerId;
      if (event.type === 'resumed') seams.push(event.seam.sameFile);
      pieces += event.type === 'piece' ? 1 : 0;
      if (pieces === 8) workers[ready.findIndex(({ peerId }) => peerId === writer)]?.kill('SIGKILL');
    });
    expect(seams).toEqual([true]);
    expect(text).not.toBe(plain);
    expect(await ask('llmesh-tiny', request)).toBe(text);
    const otherText = await ask('llmesh-tiny', { ...request, adapter: fetched });
    expect(new Set([plain, text, otherText]).size).toBe(3);
    const nowhere = ask('llmesh-tiny', { ...request, adapter: 'f'.repeat(64) });
    await expect(nowhere).rejects.toMatchObject({ code: 'unsupported' });
    await mirror.close();
    for (const worker of workers) worker.kill('SIGKILL');
  }, 60_000);

  it('refuses an unknown setting by name, and a port that is taken with code 3', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    writeFileSync(config, JSON.stringify({ model: 'llmesh-tiny', mesh: mesh.url, modle: 'x' }));
    const wrong = start();
    expect(await wrong.exited).toBe(2);
    expect(wrong.stderr).toContain('"modle"');
    writeFileSync(config, JSON.stringify({ model: 'llmesh-tiny', mesh: mesh.url, log: 'pretty' }));
    const blocked = start('--metrics-port', String((taken.address() as { port: number }).port));
    expect(await blocked.exited).toBe(3);
    expect(blocked.stderr).toMatch(/ERROR.*--metrics-port/);
    taken.close();
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
