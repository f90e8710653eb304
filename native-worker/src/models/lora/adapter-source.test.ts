/** Adapters that strangers name, from a real server on this computer. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readGgufFileInfo, type GgufFileInfo } from 'node-llama-cpp';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MeshError } from '@llmesh/core/base/errors';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { runOf, textOf } from '@llmesh/core/suites/continuation';
import { AdapterSource, MAX_FETCHED } from './adapter-source.ts';
import { LlamaEngine } from '../../llama/llama-engine.ts';
import { loraGguf, TINY_MATRICES, type Matrix } from '../../testing/lora-gguf.ts';
import { ModelMirror } from '../../testing/model-mirror.ts';

const tiny = fileURLToPath(new URL('../../../../models/tiny/llmesh-tiny.gguf', import.meta.url));
const never = new AbortController().signal;
const MAX_BYTES = 100_000;

let base: GgufFileInfo;
beforeAll(async () => {
  base = await readGgufFileInfo(tiny, { logWarnings: false });
});

let mirror: ModelMirror;
let data: string;
let clock: ManualClock;
let told: MeshError[];
let source: AdapterSource;
beforeEach(async () => {
  mirror = await new ModelMirror().listen();
  data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-source-'));
  clock = new ManualClock();
  told = [];
  source = new AdapterSource({
    base: new URL(`${mirror.origin}/law`),
    dataFolder: data,
    clock,
    maxBytes: MAX_BYTES,
    failed: (error) => told.push(error),
  });
});
afterEach(async () => {
  await mirror.close();
  rmSync(data, { recursive: true });
});

/** Puts a file on the server, under its own SHA-256 or another. */
function put(
  seed: number,
  { as, matrices = TINY_MATRICES }: { as?: string; matrices?: readonly Matrix[] } = {},
): string {
  const bytes = loraGguf(matrices, { seed, strength: 1 });
  const sha256 = as ?? createHash('sha256').update(bytes).digest('hex');
  mirror.files.set(`/law/${sha256}.gguf`, bytes);
  return sha256;
}
function putText(text: string): string {
  const sha256 = createHash('sha256').update(text).digest('hex');
  mirror.files.set(`/law/${sha256}.gguf`, Buffer.from(text));
  return sha256;
}
const fetched = (sha256: string, signal = never) => source.fetch(sha256, base, signal);
const onDisk = () => readdirSync(path.join(data, 'adapters')).filter((name) => name.endsWith('.gguf'));
const refused = { code: 'unsupported' };

it('fetches an adapter once, no matter who asks for it, and the model answers with it', async () => {
  const sha256 = put(1);
  const [one, same] = await Promise.all([fetched(sha256), fetched(sha256)]);
  expect(same).toEqual(one);
  expect(one).toMatchObject({ sha256, path: expect.stringContaining(path.join(data, 'adapters')) });
  const requests = mirror.requests.length;
  expect(await fetched(sha256)).toEqual(one);
  expect(mirror.requests.length).toBe(requests);
  // After a restart it is still there, and is checked again.
  const again = new AdapterSource({ base: new URL(`${mirror.origin}/law/`), dataFolder: data, failed: () => {} });
  expect(await again.fetch(sha256, base, never)).toEqual(one);
  expect(mirror.requests.length).toBe(requests);

  const engine = new LlamaEngine();
  const fetch = (wanted: string, signal: AbortSignal) => source.fetch(wanted, base, signal);
  const file = { path: tiny, threads: 1, gpu: 'off' as const, slots: 1, contextTokens: 256 };
  await engine.load({ ...file, adapters: { files: [], cap: 1, fetch } }, () => {}, never);
  const turns = [{ role: 'user' as const, content: 'What is LLMesh?' }];
  const ask = { turns, sampling: { temperature: 0 }, maxTokens: 24 };
  const plain = await runOf(engine, ask, never);
  const other = await runOf(engine, { ...ask, adapter: sha256 }, never);
  expect(textOf(other.pieces)).not.toBe(textOf(plain.pieces));
  await expect(runOf(engine, { ...ask, adapter: 'f'.repeat(64) }, never)).rejects.toMatchObject(refused);
  await engine.close();
});

describe('what is not to be had', () => {
  it.each([
    ['is not there', () => 'e'.repeat(64), 'model_not_found'],
    ['is another file than was named', () => put(1, { as: 'e'.repeat(64) }), 'model_integrity'],
    ['is larger than is allowed', () => ((mirror.claimedBytes = MAX_BYTES + 1), put(1)), 'storage_full'],
    [
      'is larger than is allowed, of which the server says nothing',
      () => (
        (mirror.lengths = false),
        put(1, { matrices: [{ name: 'blk.0.attn_q.weight', inputs: 9_000, outputs: 256 }] })
      ),
      'storage_full',
    ],
    ['is not an adapter', () => putText('GGUF and nothing more'), 'model_unreadable'],
  ])(
    '%s: its requester hears nothing more, its owner why, and it is not tried again at once',
    async (_name, make, code) => {
      const sha256 = make();
      await expect(fetched(sha256)).rejects.toMatchObject(refused);
      expect(told).toMatchObject([{ code, message: expect.stringContaining(sha256) }]);
      expect(onDisk()).toEqual([]);
      await expect(fetched(sha256)).rejects.toMatchObject(refused);
      expect(told).toHaveLength(1);
      clock.turn(60_001);
      await expect(fetched(sha256)).rejects.toMatchObject(refused);
      expect(told).toHaveLength(2);
    },
  );

  it('is for another model', async () => {
    const sha256 = put(1, { matrices: [{ name: 'blk.0.attn_q.weight', inputs: 64, outputs: 64 }] });
    await expect(fetched(sha256)).rejects.toMatchObject(refused);
  });

  it('does not come: after two minutes nobody waits for it', async () => {
    const sha256 = put(1);
    mirror.fault = () => ({ stallAfterBytes: 100 });
    const waiting = fetched(sha256);
    const outcome = expect(waiting).rejects.toMatchObject(refused);
    await expect.poll(() => mirror.requests.length).toBeGreaterThan(0);
    clock.turn(120_001);
    await outcome;
    expect(told).toHaveLength(1);
  });
});

it('stops when all who asked have left, and begins again for the next', async () => {
  const sha256 = put(1);
  mirror.fault = () => ({ stallAfterBytes: 100 });
  const [one, two] = [new AbortController(), new AbortController()];
  const [first, second] = [fetched(sha256, one.signal), fetched(sha256, two.signal)];
  const both = Promise.allSettled([first, second]);
  await expect.poll(() => mirror.requests.length).toBeGreaterThan(0);
  one.abort();
  await expect(first).rejects.toMatchObject({ code: 'cancelled' });
  mirror.fault = () => null;
  two.abort();
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await fetched(sha256)).toMatchObject({ sha256 });
  expect(told).toEqual([]);
});

it('keeps so many, and those that were asked for last', async () => {
  const all = Array.from({ length: MAX_FETCHED + 2 }, (_, seed) => put(seed, { matrices: TINY_MATRICES.slice(0, 1) }));
  for (const sha256 of all.slice(0, MAX_FETCHED)) await fetched(sha256);
  const [first = ''] = all;
  await fetched(first);
  for (const sha256 of all.slice(MAX_FETCHED)) await fetched(sha256);
  expect(onDisk()).toHaveLength(MAX_FETCHED);
  expect(onDisk().some((name) => name.startsWith(first))).toBe(true);
  const requests = mirror.requests.length;
  await fetched(all[1] ?? '');
  expect(mirror.requests.length).toBeGreaterThan(requests);
});
