/** Two workers lend different files of one name, and somebody asks for either. Everything is a process of its own. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { MeshOfProcesses } from './testing/mesh-of-processes.ts';
import { startLlmesh, type Running } from './testing/process.ts';
import { worseModel } from './testing/worse-model.ts';

const MODEL = fileURLToPath(new URL('../../models/tiny/llmesh-tiny.gguf', import.meta.url));
const NAME = 'ggml-model-q8_0';
const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-same-name-'));
const mesh = MeshOfProcesses.forTests({}, () => rmSync(folder, { recursive: true }));

interface Listed {
  id: string;
  llmesh: { sha256: string; providers: number };
}

async function lend(whose: string, write: (file: string) => void): Promise<Running> {
  const data = path.join(folder, whose);
  const file = path.join(data, `${NAME}.gguf`);
  mkdirSync(data);
  write(file);
  const worker = startLlmesh(
    ...['worker', '--model', file, '--mesh', mesh.url, '--gpu', 'off', '--threads', '1', '--slots', '1'],
    ...['--data', data, '--json'],
  );
  mesh.started.push(worker);
  await worker.line((line) => line['ready'] === true);
  return worker;
}

it('each of them is an offer, is listed, and answers when it is asked', { timeout: 120_000 }, async () => {
  // The first byte behind the metadata is enough to be another file.
  await lend('worse', (file) => writeFileSync(file, worseModel(readFileSync(MODEL), 4_001)));
  await lend('other', (file) => writeFileSync(file, worseModel(readFileSync(MODEL), 5_003)));
  await lend('catalogued', (file) => cpSync(MODEL, file));
  const gateway = startLlmesh(
    ...['gateway', '--mesh', mesh.url, '--port', '0', '--data', path.join(folder, 'gateway'), '--json'],
  );
  mesh.started.push(gateway);
  const { url } = (await gateway.line((line) => line['ready'] === true)) as { url: string };
  const listed = async () => ((await (await fetch(`${url}/models`)).json()) as { data: Listed[] }).data;
  await expect.poll(async () => (await listed()).length, { timeout: 10_000 }).toBe(3);
  const [plain, other, tiny] = await listed();
  // What is in the catalogue goes by its hash, whatever its file is called.
  expect(tiny?.id).toBe('llmesh-tiny');
  expect(plain?.id).toBe(NAME);
  expect(other?.id).toBe(`${NAME}@${other?.llmesh.sha256.slice(0, 12)}`);
  expect(plain?.llmesh.sha256).not.toBe(other?.llmesh.sha256);

  for (const { id, llmesh } of [plain!, other!]) {
    const body = { model: id, max_tokens: 4, messages: [{ role: 'user', content: 'What is LLMesh?' }] };
    const headers = { 'content-type': 'application/json' };
    const answered = await fetch(`${url}/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) });
    const whole = (await answered.json()) as { model: string; choices: [{ llmesh: { sha256: string } }] };
    expect(whole.model).toBe(id);
    expect(whole.choices[0].llmesh.sha256).toBe(llmesh.sha256);
  }

  const chat = startLlmesh(
    'chat',
    'What is LLMesh?',
    '--model',
    other!.id,
    '--mesh',
    mesh.url,
    '--max-tokens',
    '4',
    '--json',
  );
  mesh.started.push(chat);
  expect(await chat.exited).toBe(0);
});
