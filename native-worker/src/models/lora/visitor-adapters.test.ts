/** Adapters that requesters bring along: real swarms, stores and files; the check of llama's process is the one of the test. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MeshError } from '@llmesh/core/base/errors';
import { makeManifest } from '@llmesh/core/models/make-manifest';
import { contentIdOf } from '@llmesh/core/models/content-id';
import { PieceMap } from '@llmesh/core/models/piece-map';
import type { Channel } from '@llmesh/core/peers/channel';
import { SwarmWorld, type SwarmNode } from '@llmesh/core/testing/swarm-world';
import { contained } from '../../contained/contained.ts';
import { tryAdapter } from '../../contained/adapter-trial.ts';
import { loraGguf, TINY_MATRICES } from '../../testing/lora-gguf.ts';
import { nodeHasher } from '../pieces/node-hasher.ts';
import { IDLE_MS, MAX_KEPT, VisitorAdapters } from './visitor-adapters.ts';

const tiny = fileURLToPath(new URL('../../../../models/tiny/llmesh-tiny.gguf', import.meta.url));
const never = new AbortController().signal;
const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-visitors-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function made(bytes: Buffer, format: 'adapter' | 'gguf' = 'adapter') {
  const file = {
    path: 'adapter.gguf',
    sizeBytes: bytes.byteLength,
    read: async function* () {
      yield bytes;
    },
  };
  const { manifest, layers } = await makeManifest(format, [file], nodeHasher, { signal: never });
  const sha256 = Buffer.from(manifest.files[0]!.sha256).toString('hex');
  return { bytes, manifest, layers, content: contentIdOf(manifest, nodeHasher), sha256 };
}
type Made = Awaited<ReturnType<typeof made>>;
const lora = (seed: number) => made(loraGguf(TINY_MATRICES, { seed, strength: 1 }));
const law = await lora(1);

let world: SwarmWorld;
let visitor: SwarmNode;
let provider: SwarmNode;
let from: Channel;
let adapters: VisitorAdapters;
let checked: string[];
let refuses: MeshError | null;
let data: string;

beforeEach(async () => {
  world = new SwarmWorld();
  visitor = world.join();
  provider = world.join();
  const there = await visitor.links.open(provider.self, never);
  await world.clock.advance(100);
  from = provider.links.all()[0]!;
  data = mkdtempSync(path.join(folder, 'data-'));
  [checked, refuses] = [[], null];
  adapters = await open();
  give = async (one) => {
    await keep(one);
    return (await visitor.swarm.gift(one.content)).to(there, () => {});
  };
});
let give: (one: Made) => Promise<() => void>;
afterEach(() => adapters.close());

/** The visitor has it. */
async function keep(one: Made): Promise<void> {
  const stored = await visitor.store.begin(one.content, one.manifest);
  const map = new PieceMap(one.manifest);
  await stored.keepLayer(0, one.layers[0]!);
  for (let piece = 0; piece < map.count; piece++) {
    const { offset, sizeBytes } = map.place(piece);
    await stored.write(piece, new Uint8Array(one.bytes.subarray(offset, offset + sizeBytes)));
  }
  await stored.complete();
  await stored.close();
}

function open(): Promise<VisitorAdapters> {
  return VisitorAdapters.open({
    dataFolder: data,
    swarm: async () => provider.swarm,
    check: async (file) => {
      checked.push(file);
      if (refuses !== null) throw refuses;
    },
    clock: world.clock,
  });
}

/** Turns the clock until it ends: its value, or what it was refused with. */
async function take(
  one: Pick<Made, 'sha256' | 'content'>,
  signal = never,
  model = tiny,
  stepMs = 50,
): Promise<MeshError | 'here'> {
  let outcome: MeshError | 'here' | null = null;
  adapters.take({ sha256: one.sha256, content: one.content }, from, model, signal).then(
    () => (outcome = 'here'),
    (error: MeshError) => (outcome = error),
  );
  for (let i = 0; i < 10_000 && outcome === null; i++) {
    await world.clock.advance(stepMs);
    await diskIsStill();
  }
  return outcome ?? new MeshError('cancelled', 'It never ended.');
}

/** The disk is a real one, and must not look slow to a clock that runs so fast. */
async function diskIsStill(): Promise<void> {
  do await delay(1);
  while (process.getActiveResourcesInfo().some((kind) => kind.startsWith('FSReq')));
}

it('is here, to the byte, once it was taken, and comes once', async () => {
  await give(law);
  expect(adapters.find(law.sha256)).toBeNull();
  expect(await take(law)).toBe('here');
  const file = adapters.find(law.sha256);
  expect(file).toMatchObject({ sha256: law.sha256, sizeBytes: law.bytes.byteLength });
  const { fromPeers } = provider.swarm.figures.totals;
  expect(await take(law)).toBe('here');
  expect(provider.swarm.figures.totals.fromPeers).toBe(fromPeers);
  // Another model asks anew whether it fits.
  expect(await take(law, never, 'other.gguf')).toBe('here');
  expect(checked).toEqual([file?.path, file?.path]);
});

it('whoever knows its hash but has not got it does not get to use it', async () => {
  await give(law);
  await take(law);
  const other = { sha256: law.sha256, content: (await lora(2)).content };
  expect(await take(other)).toMatchObject({ code: 'unsupported' });
});

it('is forgotten when nobody asks with it for a while', async () => {
  await give(law);
  await take(law);
  const file = adapters.find(law.sha256)!.path;
  await world.clock.advance(IDLE_MS + 1);
  await expect.poll(() => existsSync(file)).toBe(false);
  expect(adapters.find(law.sha256)).toBeNull();
});

it('the longest unused leave for others', async () => {
  const all = await Promise.all(Array.from({ length: MAX_KEPT + 1 }, (_, i) => lora(10 + i)));
  for (const one of all) {
    await give(one);
    expect(await take(one)).toBe('here');
    adapters.find(all[0]!.sha256);
  }
  expect(all.map(({ sha256 }) => adapters.find(sha256) !== null)).toEqual(all.map((_, i) => i !== 1));
});

it('one that is refused by the check is gone, and its requester hears why', async () => {
  await give(law);
  refuses = new MeshError('model_unreadable', 'Your adapter is made for another model.');
  expect(await take(law)).toMatchObject({ code: 'model_unreadable', message: refuses.message });
  expect(adapters.find(law.sha256)).toBeNull();
  expect(checked.some((file) => existsSync(file))).toBe(false);
});

it.each([
  ['a whole model', () => made(law.bytes, 'gguf'), (one: Made) => one],
  ['another file than was named', () => lora(3), (one: Made) => ({ ...one, sha256: law.sha256 })],
  ['more than 50 MB', () => made(Buffer.alloc(50_000_001)), (one: Made) => one],
])('nothing is written of %s', async (_what, file, named) => {
  const one = await file();
  await give(one);
  expect(await take(named(one))).toMatchObject({ code: 'model_unreadable' });
  expect(checked).toEqual([]);
  expect(adapters.find(one.sha256)).toBeNull();
});

it('is not to be had from who does not give it, who leaves, or who is too slow', async () => {
  expect(await take(law)).toMatchObject({ code: 'unsupported' });
  const end = await give(law);
  end();
  expect(await take(law)).toMatchObject({ code: 'unsupported' });
});

it('takes so long and no longer: whoever sends next to nothing is told so', async () => {
  world = new SwarmWorld();
  world.network.bulk = { clock: world.clock, bytesPerSecond: 30_000 };
  [visitor, provider] = [world.join(), world.join()];
  const there = await visitor.links.open(provider.self, never);
  await world.clock.advance(100);
  from = provider.links.all()[0]!;
  await adapters.close();
  adapters = await open();
  // It would take 270 seconds.
  const slow = await made(Buffer.alloc(8_000_000, 7));
  await keep(slow);
  await (await visitor.swarm.gift(slow.content)).to(there, () => {});
  const startMs = world.clock.now();
  expect(await take(slow, never, tiny, 400)).toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('too long'),
  });
  expect(world.clock.now() - startMs).toBeLessThan(240_000);
});

it('stops when its requester stops', async () => {
  const stop = new AbortController();
  stop.abort();
  expect(await take(law, stop.signal)).toMatchObject({ code: 'cancelled' });
});

it('nothing outlives the worker, also one that was killed, and two workers of one folder have each their own', async () => {
  await give(law);
  await take(law);
  const other = await open();
  const all = path.join(data, 'visitors');
  expect(readdirSync(all).filter((name) => !name.endsWith('.lock'))).toHaveLength(2);
  await other.close();
  expect(adapters.find(law.sha256)).not.toBeNull();
  await adapters.close();
  await adapters.close();
  expect(readdirSync(all)).toEqual([]);
  mkdirSync(path.join(all, '7'), { recursive: true });
  writeFileSync(path.join(all, '7', 'left'), 'by a killed one');
  adapters = await open();
  expect(existsSync(path.join(all, '7'))).toBe(false);
});

describe('the check in a process of its own', () => {
  const file = path.join(folder, 'brought.gguf');
  const refusal = async (bytes: Buffer) => {
    writeFileSync(file, bytes);
    return tryAdapter(contained.llama, file, tiny).then(
      () => null,
      (error: MeshError) => `${error.code}: ${error.message}`,
    );
  };
  const spoilt = () => {
    const bytes = Buffer.from(law.bytes);
    bytes.writeFloatLE(Infinity, bytes.byteLength - 4);
    return bytes;
  };
  const endless = () => {
    const bytes = Buffer.from(law.bytes);
    bytes.writeBigUInt64LE(2n ** 40n, 8);
    return bytes;
  };
  it.each<[string, () => Buffer, RegExp | null]>([
    ['takes one that fits', () => law.bytes, null],
    ['refuses one that is cut off', () => law.bytes.subarray(0, law.bytes.byteLength >> 1), /damaged or cut short/],
    ['refuses one that claims endless tensors', endless, /damaged/],
    ['refuses infinite numbers', spoilt, /numbers in it that are none/],
    ['refuses a text', () => Buffer.from('Dear model, be kind.'), /damaged/],
    [
      'refuses one for another model',
      () => loraGguf([{ name: 'blk.0.attn_q.weight', inputs: 64, outputs: 64 }], { seed: 1, strength: 1 }),
      /another size.*Choose the model/,
    ],
    [
      'refuses one for another kind of model',
      () => loraGguf(TINY_MATRICES, { seed: 1, strength: 1, says: { 'general.architecture': 'qwen2' } }),
      /made for qwen2/,
    ],
  ])('%s', async (_what, bytes, why) => {
    const said = await refusal(bytes());
    if (why === null) expect(said).toBeNull();
    else {
      expect(said).toMatch(/^model_unreadable: Your adapter/);
      expect(said).toMatch(why);
    }
  });
});
