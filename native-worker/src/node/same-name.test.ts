/** Two workers lend different files of one name, and somebody asks for either. Everything is a process of its own. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { MeshOfProcesses } from '../testing/mesh-of-processes.ts';
import { startLlmesh } from '../testing/process.ts';
import { worseModel } from '../testing/worse-model.ts';

const MODEL = fileURLToPath(new URL('../../../models/tiny/llmesh-tiny.gguf', import.meta.url));
const NAME = 'ggml-model-q8_0';
const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-same-name-'));
const mesh = MeshOfProcesses.forTests({}, () => rmSync(folder, { recursive: true }));

interface Listed {
  id: string;
  llmesh: { sha256: string; providers: number };
}

/** Lends a file of that name, with other bytes for each `every`. Resolves when it is lent. */
async function lend(every: number): Promise<unknown> {
  const data = path.join(folder, String(every));
  const file = path.join(data, `${NAME}.gguf`);
  mkdirSync(data);
  writeFileSync(file, worseModel(readFileSync(MODEL), every));
  const worker = startLlmesh(
    ...['worker', '--model', file, '--mesh', mesh.url, '--gpu', 'off', '--threads', '1', '--slots', '1'],
    ...['--data', data, '--json'],
  );
  mesh.started.push(worker);
  return worker.line((line) => line['ready'] === true);
}

async function openGateway(): Promise<string> {
  const data = path.join(folder, 'gateway');
  const gateway = startLlmesh('gateway', '--mesh', mesh.url, '--port', '0', '--data', data, '--json');
  mesh.started.push(gateway);
  return String((await gateway.line((line) => line['ready'] === true))['url']);
}

it('each of them is listed, and answers when it is asked', { timeout: 120_000 }, async () => {
  const [url] = await Promise.all([openGateway(), lend(4_001), lend(5_003)]);
  const listed = async () => ((await (await fetch(`${url}/models`)).json()) as { data: Listed[] }).data;
  await expect.poll(async () => (await listed()).length, { timeout: 10_000 }).toBe(2);
  const models = await listed();
  const [meant, other] = models;
  expect(meant?.llmesh.sha256).not.toBe(other?.llmesh.sha256);
  expect(models.map(({ id }) => id)).toEqual([NAME, `${NAME}@${other?.llmesh.sha256.slice(0, 12)}`]);
  for (const { id, llmesh } of models) {
    const body = { model: id, max_tokens: 4, messages: [{ role: 'user', content: 'What is LLMesh?' }] };
    const headers = { 'content-type': 'application/json' };
    const answered = await fetch(`${url}/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) });
    const whole = (await answered.json()) as { model: string; choices: [{ llmesh: { sha256: string } }] };
    expect(whole).toMatchObject({ model: id, choices: [{ llmesh: { sha256: llmesh.sha256 } }] });
  }
});
