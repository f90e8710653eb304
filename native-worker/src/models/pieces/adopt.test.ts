import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PIECE_BYTES } from '@llmesh/core/models/manifest';
import { randomFile } from '@llmesh/core/testing/made-model';
import { hashFile } from '../../files/file-hash.ts';
import { adopt, describeFiles } from './adopt.ts';
import { FilePieceStore } from './file-piece-store.ts';

const { signal } = new AbortController();
let data: string;
let store: FilePieceStore;
beforeEach(() => {
  data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-adopt-'));
  store = new FilePieceStore(path.join(data, 'models'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

function own(name: string, bytes: Uint8Array): string {
  const file = path.join(data, name);
  writeFileSync(file, bytes);
  return file;
}
const adopted = (...files: string[]) =>
  adopt(store, { format: 'gguf', files, dataFolder: data }, { signal, gently: true });

describe("the owner's own files", () => {
  it('are lent where they lie, under an id that their name does not change', async () => {
    const bytes = randomFile(2 * PIECE_BYTES + 5);
    const [one, other] = [own('a.gguf', bytes), own('b.gguf', bytes)];
    const content = await adopted(one);
    expect(await adopted(other)).toBe(content);
    const stored = await store.open(content);
    expect(Buffer.compare((await stored?.read(2)) ?? Buffer.alloc(0), bytes.subarray(2 * PIECE_BYTES))).toBe(0);
    expect(stored?.manifest.files.map((file) => file.path)).toEqual(['model.gguf']);
    await stored?.close();
    const [summary] = await store.list();
    expect(summary).toMatchObject({ whole: true, loadedBytes: bytes.byteLength });
    expect(summary?.sha256).toBe(await hashFile(one, data, signal));
    // Neither moved nor removed, whatever becomes of the record.
    expect(await store.moveTo(content, [path.join(data, 'c.gguf')])).toBe(false);
    await store.remove(content);
    expect(Buffer.compare(readFileSync(one), bytes)).toBe(0);
    expect(await store.list()).toEqual([]);
  });

  it('are not hashed again until they change, and are not lent as what they were', async () => {
    const file = own('a.gguf', randomFile(PIECE_BYTES));
    const content = await adopted(file);
    const cancelled = AbortSignal.abort();
    const request = { format: 'gguf', files: [file], dataFolder: data } as const;
    expect(await adopt(store, request, { signal: cancelled })).toBe(content);
    appendFileSync(file, 'more');
    await expect(adopt(store, request, { signal: cancelled })).rejects.toThrow();
    expect(await store.list()).toEqual([]);
    expect(await adopted(file)).not.toBe(content);
  });

  it('of several parts are one model', async () => {
    const parts = [1, 2].map((i) => own(`x-0000${i}-of-00002.gguf`, randomFile(i * 1_000)));
    const stored = await store.open(await adopted(...parts));
    expect(stored?.manifest.files.map((file) => file.path)).toEqual([
      'model-00001-of-00002.gguf',
      'model-00002-of-00002.gguf',
    ]);
    expect((await store.list())[0]?.sha256).toBeNull();
    await stored?.close();
  });

  it('that are empty or missing are no model, and it is said', async () => {
    for (const file of [own('empty.gguf', new Uint8Array()), path.join(data, 'missing.gguf')]) {
      await expect(adopted(file)).rejects.toMatchObject({ code: 'model_unreadable' });
    }
  });

  it('that are written while they are read are not lent', async () => {
    const file = own('a.gguf', randomFile(3 * PIECE_BYTES));
    const onProgress = () => appendFileSync(file, 'x');
    const described = describeFiles('gguf', [{ file, name: 'model.gguf' }], { signal, onProgress });
    await expect(described).rejects.toMatchObject({ code: 'model_unreadable' });
  });
});
