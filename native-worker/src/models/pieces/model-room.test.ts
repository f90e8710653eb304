import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Wanted } from '@llmesh/core/models/swarm-port';
import { listStore, storeFiles, storeStem, writeRecord } from '../model-store.ts';
import { parseModelSource, sourceName, type FileSource } from '../model-source.ts';
import { adopt } from './adopt.ts';
import { FilePieceStore } from './file-piece-store.ts';
import { ModelRoom, type ModelRoomNeeds } from './model-room.ts';

const MODEL_BYTES = 100_000;
const nothing = { content: null, stem: null };
const never = new AbortController().signal;
let data: string;
let folder: string;
let said: string[];
beforeEach(() => {
  data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-room-'));
  folder = path.join(data, 'models');
  mkdirSync(folder);
  said = [];
});
afterEach(() => rmSync(data, { recursive: true }));

/** A model that was downloaded, and used last so many days ago. */
async function downloaded(name: string, daysAgo: number): Promise<string> {
  const source = parseModelSource(name) as FileSource;
  const [file = ''] = storeFiles(folder, source);
  const bytes = Buffer.alloc(MODEL_BYTES, name);
  writeFileSync(file, bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await writeRecord(folder, storeStem(source), {
    version: 1,
    source: sourceName(source),
    asked: name,
    files: [{ name: path.basename(file), sizeBytes: MODEL_BYTES, sha256 }],
  });
  const then = new Date(Date.now() - daysAgo * 86_400_000);
  utimesSync(file, then, then);
  utimesSync(path.join(folder, `${storeStem(source)}.model.json`), then, then);
  return file;
}

const room = (needs: Partial<ModelRoomNeeds> = {}) =>
  new ModelRoom({
    dataFolder: data,
    maxBytes: 3 * MODEL_BYTES,
    lent: [],
    othersHave: async () => true,
    note: (text) => said.push(text),
    freeBytes: async () => Infinity,
    ...needs,
  });

const [OLD, NEW, MIDDLE] = ['hf:u/old/old.gguf', 'hf:u/new/new.gguf', 'hf:u/middle/middle.gguf'];

it('removes what was used longest ago, no more than it has to, and says so before and after', async () => {
  const [young, oldest, middle] = [await downloaded(NEW, 1), await downloaded(OLD, 9), await downloaded(MIDDLE, 5)];
  await room().make(MODEL_BYTES, nothing);
  expect([young, oldest, middle].map((file) => existsSync(file))).toEqual([true, false, true]);
  expect(said).toHaveLength(2);
  expect(said[0]).toMatch(/^Removing old \(0.1 MB, last used \d{4}-\d\d-\d\d\) to make room within --models-max/);
  expect(said[1]).toMatch(/^Removed old: 0.1 MB are free again/);
  await room().make(2 * MODEL_BYTES, nothing);
  expect((await listStore(folder)).map(({ record }) => record?.asked)).toEqual([NEW]);
});

it('makes room on a disk that is short, though the limit leaves some', async () => {
  const [young, oldest] = [await downloaded(NEW, 1), await downloaded(OLD, 9)];
  await room({ maxBytes: 1e12, freeBytes: async () => 1_000 }).make(MODEL_BYTES, nothing);
  expect([existsSync(young), existsSync(oldest)]).toEqual([true, false]);
});

it('forgets the pieces of what it removes', async () => {
  const file = await downloaded(OLD, 9);
  const store = new FilePieceStore(folder);
  const content = await adopt(store, { format: 'gguf', files: [file], dataFolder: data }, { signal: never });
  const asked: Wanted[] = [];
  const othersHave = async (wanted: Wanted) => asked.push(wanted) > 0;
  await room({ maxBytes: MODEL_BYTES, othersHave }).make(MODEL_BYTES, nothing);
  expect(asked).toEqual([{ content, sha256: null }]);
  expect(await store.list()).toEqual([]);
  expect(existsSync(file)).toBe(false);
});

it.each<[string, Partial<ModelRoomNeeds>]>([
  ['is lent', { lent: [OLD] }],
  ['may be lent by another program', { lent: null }],
  ['nobody else has', { othersHave: async () => false }],
  ['nobody can say who has it', { othersHave: () => Promise.reject(new Error('offline')) }],
])('never removes what %s, and then says what to do', async (_what, needs) => {
  const file = await downloaded(OLD, 9);
  await expect(room({ maxBytes: MODEL_BYTES, ...needs }).make(1, nothing)).rejects.toMatchObject({
    code: 'storage_full',
    message: expect.stringContaining('llmesh models rm'),
  });
  expect(existsSync(file)).toBe(true);
  expect(said).toEqual([]);
});

it('never removes files that their owner put there, what is unfinished, or anything without a limit', async () => {
  const own = path.join(folder, 'mine.gguf');
  writeFileSync(own, Buffer.alloc(MODEL_BYTES));
  await expect(room({ maxBytes: MODEL_BYTES }).make(1, nothing)).rejects.toMatchObject({ code: 'storage_full' });
  const file = await downloaded(OLD, 9);
  await room({ maxBytes: null, freeBytes: async () => 0 }).make(MODEL_BYTES, nothing);
  expect([existsSync(own), existsSync(file)]).toEqual([true, true]);
});

it('removes nothing for a model that cannot fit at all', async () => {
  const file = await downloaded(OLD, 9);
  await expect(room().make(4 * MODEL_BYTES, nothing)).rejects.toMatchObject({ code: 'storage_full' });
  expect(existsSync(file)).toBe(true);
});

it('counts once what is there already of the model that it is for', async () => {
  const file = await downloaded(OLD, 9);
  const [model] = await listStore(folder);
  await room({ maxBytes: MODEL_BYTES }).make(MODEL_BYTES, { content: null, stem: model?.stem ?? null });
  expect(existsSync(file)).toBe(true);
});
