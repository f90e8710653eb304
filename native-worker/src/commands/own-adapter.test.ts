/** Adapters of one's own, from a file: real processes, the tiny model, an adapter made here. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loraGguf, TINY_MATRICES } from '../testing/lora-gguf.ts';
import { startControlPlane, startLlmesh, type Running } from '../testing/process.ts';

const QUESTION = 'What is LLMesh?';
const data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-own-adapter-'));
const inData = (name: string) => path.join(data, name);
/** Where the programs put what they forget when they end. */
const TMPDIR = mkdtempSync(inData('tmp-'));
const started: Running[] = [];
let mesh: string;
let plain: string;

beforeAll(async () => {
  writeFileSync(inData('odd.gguf'), loraGguf(TINY_MATRICES, { seed: 3, strength: 1 }));
  writeFileSync(inData('infinite.gguf'), loraGguf(TINY_MATRICES, { seed: 3, strength: Infinity }));
  writeFileSync(
    inData('other.gguf'),
    loraGguf([{ name: 'blk.0.attn_q.weight', inputs: 64, outputs: 64 }], { seed: 1, strength: 1 }),
  );
  writeFileSync(inData('notes.gguf'), 'Notes of mine.');
  process.env['TMPDIR'] = TMPDIR;
  const plane = await startControlPlane();
  started.push(plane.process);
  mesh = plane.url;
  const lend = ['--threads', '1', '--gpu', 'off', '--data', inData('worker'), '--json'];
  const worker = startLlmesh('worker', '--model', 'llmesh-tiny', '--mesh', mesh, ...lend);
  started.push(worker);
  await worker.line((line) => line['ready'] === true);
  plain = (await ask()).text;
}, 120_000);

afterAll(async () => {
  for (const running of started) running.kill('SIGKILL');
  await Promise.all(started.map((running) => running.exited));
  delete process.env['TMPDIR'];
  rmSync(data, { recursive: true });
});

async function ask(...more: string[]) {
  const chat = startLlmesh('chat', QUESTION, '--mesh', mesh, '--max-tokens', '24', '--json', ...more);
  started.push(chat);
  const code = await chat.exited;
  const text = chat.lines.map((line) => (line['text'] as string | undefined) ?? '').join('');
  return { code, text, error: (chat.lines.at(-1)?.['error'] ?? {}) as { code?: string; message?: string } };
}
interface Answered {
  choices?: { message: { content: string } }[];
  error?: { message: string };
}
interface Listed {
  data: { llmesh: { own_adapters?: { name: string; sha256: string }[] } }[];
}
const leftovers = () => readdirSync(TMPDIR).filter((name) => name.startsWith('llmesh-adapters-'));

describe('llmesh chat --adapter <file>', () => {
  it('has the model answer with it, for which the volunteer gets the file, and leaves nothing behind', async () => {
    const answered = await ask('--adapter', inData('odd.gguf'));
    expect(answered).toMatchObject({ code: 0, error: {} });
    expect(answered.text).not.toBe('');
    expect(answered.text).not.toBe(plain);
    // By its hash alone nobody has it.
    expect((await ask()).text).toBe(plain);
    expect(leftovers()).toEqual([]);
  });

  it.each([
    ['missing.gguf', 'model_not_found', 'Check that it is there'],
    ['notes.gguf', 'model_unreadable', 'notes is not a GGUF file. Adapters are GGUF files here'],
    ['infinite.gguf', 'model_unreadable', 'has numbers in it that are none'],
    ['other.gguf', 'unsupported', 'Nobody on this mesh takes other right now'],
  ])('refuses %s before anybody is asked, and says why', async (file, code, message) => {
    const refused = await ask('--adapter', inData(file));
    expect(refused).toMatchObject({ code: 1, error: { code, message: expect.stringContaining(message) } });
    expect(leftovers()).toEqual([]);
  });
});

describe('llmesh gateway --lora', () => {
  let gateway: Running;
  let url: string;
  beforeAll(async () => {
    gateway = startLlmesh(
      ...['gateway', '--mesh', mesh, '--port', '0', '--data', inData('gateway'), '--json'],
      ...['--lora', `odd=${inData('odd.gguf')}`, '--lora', inData('other.gguf')],
    );
    started.push(gateway);
    url = String((await gateway.line((line) => line['ready'] === true))['url']);
  });
  const complete = async (adapter?: string) => {
    const body = {
      ...{ model: 'llmesh-tiny', max_tokens: 24, temperature: 0, ...(adapter !== undefined && { adapter }) },
      messages: [{ role: 'user', content: QUESTION }],
    };
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as Answered };
  };

  it('lists those that fit a model, and has it answer with the one that a request names', async () => {
    const { data: models } = (await (await fetch(`${url}/models`)).json()) as Listed;
    const own = models[0]?.llmesh.own_adapters ?? [];
    expect(own).toEqual([{ name: 'odd', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
    const [without, by, alike] = [await complete(), await complete('odd'), await complete(own[0]?.sha256)];
    const text = ({ body }: typeof by) => body.choices?.[0]?.message.content;
    expect([without.status, by.status, alike.status]).toEqual([200, 200, 200]);
    expect(text(by)).toBe(text(alike));
    expect(text(by)).not.toBe(text(without));
  });

  it('says why one is not to be had', async () => {
    const misfit = await complete('other');
    expect(misfit).toMatchObject({ status: 404, body: { error: { code: 'adapter_not_found', param: 'adapter' } } });
    expect(misfit.body.error?.message).toContain(
      'other is not for llmesh-tiny: it is made for a model of another size',
    );
    expect((await complete('law')).body.error?.message).toContain('It gives: odd, other.');
  });

  it('forgets them when it ends', async () => {
    expect(leftovers()).toHaveLength(1);
    gateway.kill('SIGTERM');
    expect(await gateway.exited).toBe(0);
    expect(leftovers()).toEqual([]);
  });

  it.each([
    [['--hide-address', '--lora', 'odd.gguf'], 'leave out --lora or --hide-address'],
    [['--lora', inData('odd.gguf'), '--lora', `odd=${inData('odd.gguf')}`], 'Two adapters are called odd'],
  ])('does not start with %s', async (flags, message) => {
    const refused = startLlmesh(
      'gateway',
      '--mesh',
      mesh,
      '--port',
      '0',
      '--data',
      inData('refused'),
      '--json',
      ...flags,
    );
    started.push(refused);
    expect(await refused.exited).toBe(1);
    expect(refused.lines.at(-1)?.['error']).toMatchObject({ message: expect.stringContaining(message) });
  });
});
