/** Adapters on their way between computers, on a real disk; the swarm is a double that notes what it is told to lend. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ContentId } from '@llmesh/core/base/ids';
import type { MeshError } from '@llmesh/core/base/errors';
import type { Swarm } from '@llmesh/core/models/swarm/swarm';
import { describeFiles } from './adopt.ts';
import { FilePieceStore } from './file-piece-store.ts';
import { Seeding } from './seeding.ts';
import { SharedAdapters } from './shared-adapters.ts';

const never = new AbortController().signal;
let data: string;
let store: FilePieceStore;
let lent: ContentId[][];
let adapters: SharedAdapters;
let madeRoom: number;

beforeEach(async () => {
  data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-shared-adapters-'));
  madeRoom = 0;
  store = new FilePieceStore(path.join(data, 'models'), {
    makeRoom: async () => void madeRoom++,
  });
  lent = [];
  const options = { seed: true, seedPerDay: 100 };
  const failed = (error: MeshError) => expect.unreachable(error.message);
  const needs = { store, dataFolder: data, options, isPaused: () => false, failed };
  const swarm = { seed: async (ids: ContentId[]) => void lent.push([...ids]) } as unknown as Swarm;
  const peers = { makeRoom: async () => {}, fetch: async () => false };
  adapters = new SharedAdapters({
    store,
    peers,
    swarm: async () => swarm,
    seeding: await Seeding.open(needs, new Date()),
  });
});
afterEach(() => rmSync(data, { recursive: true }));

const fileOf = (name: string) => {
  const file = path.join(data, name);
  writeFileSync(file, name);
  return file;
};
const shaOf = async (file: string, format: 'adapter' | 'gguf' = 'adapter') => {
  const { manifest, content } = await describeFiles(format, [{ file, name: 'adapter.gguf' }], { signal: never });
  return { manifest, content, sha256: Buffer.from(manifest.files[0]?.sha256 ?? []).toString('hex') };
};

it('are lent one beside the other, and no more once their file is to go', async () => {
  const [law, verse] = [fileOf('law'), fileOf('verse')];
  const [ofLaw, ofVerse] = [await shaOf(law), await shaOf(verse)];
  await adapters.lend(law, never);
  await adapters.lend(verse, never);
  expect(lent.at(-1)).toEqual([ofLaw.content, ofVerse.content]);
  await adapters.forget(ofLaw.sha256, law);
  expect(lent.at(-1)).toEqual([ofVerse.content]);
  expect((await store.list()).map(({ content }) => content)).toEqual([ofVerse.content]);
  // The file itself is for whoever put it there to remove.
  expect(existsSync(law)).toBe(true);
});

it('leave nothing behind that was begun, and no model leaves for them', async () => {
  const { manifest, content, sha256 } = await shaOf(fileOf('law'));
  const stored = await store.begin(content, manifest);
  expect(madeRoom).toBe(0);
  // Somebody still fetches it.
  await adapters.forget(sha256, null);
  expect(await store.list()).toHaveLength(1);
  await stored.close();
  const begun = await store.begin(content, manifest);
  await begun.write(0, new TextEncoder().encode('law'));
  await begun.close();
  await adapters.forget(sha256, null);
  expect(readdirSync(path.join(data, 'models', 'contents')).filter((name) => name.startsWith(content))).toEqual([]);
  const model = await shaOf(fileOf('law'), 'gguf');
  await (await store.begin(model.content, model.manifest)).close();
  expect(madeRoom).toBe(1);
});
