import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ContentId } from '@llmesh/core/base/ids';
import { PIECE_BYTES } from '@llmesh/core/models/manifest';
import { pieceStoreSuite } from '@llmesh/core/suites/piece-store';
import { makeModel, randomFile } from '@llmesh/core/testing/made-model';
import { FilePieceStore } from './file-piece-store.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'llmesh-pieces-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const folderIn = () => mkdtempSync(path.join(root, 'models-'));
const contentIn = (folder: string, content: ContentId) => path.join(folder, 'contents', content);

function overwrite(file: string, at: number): void {
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.from([255, 0, 255, 0]), 0, 4, at);
  closeSync(handle);
}

pieceStoreSuite('files', async () => {
  const folder = folderIn();
  let room = Infinity;
  const open = () => new FilePieceStore(folder, { freeBytes: async () => room });
  return {
    store: open(),
    reopen: async () => open(),
    damage: async (content, piece) =>
      overwrite(path.join(contentIn(folder, content), 'part.0'), piece * PIECE_BYTES + 9),
    leaveRoom: async (bytes) => {
      room = bytes;
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
});

const model = await makeModel({ 'model.gguf': randomFile(5 * PIECE_BYTES + 777) });

async function fill(store: FilePieceStore) {
  const stored = await store.begin(model.content, model.manifest);
  await stored.keepLayer(0, model.layers[0] ?? new Uint8Array());
  for (let piece = 0; piece < model.map.count; piece++) await stored.write(piece, model.piece(piece));
  await stored.complete();
  return stored;
}

describe('models on this disk', () => {
  it('move once they are whole, while others read them, and are found there after a restart', async () => {
    const folder = folderIn();
    const store = new FilePieceStore(folder);
    const stored = await fill(store);
    const to = path.join(folder, 'model-12345678.gguf');
    const reads = Array.from({ length: 40 }, (_, i) => stored.read(i % model.map.count));
    await store.moveTo(model.content, [to]);
    await Promise.all([...reads, stored.read(5)]);
    await stored.close();
    expect(await new FilePieceStore(folder).paths(model.content)).toEqual([to]);
    expect(statSync(to).size).toBe(5 * PIECE_BYTES + 777);
    expect(existsSync(path.join(contentIn(folder, model.content), 'have'))).toBe(false);
  });

  it('are whole no more when somebody changes or takes a file, and what is left of it is read again', async () => {
    const folder = folderIn();
    await (await fill(new FilePieceStore(folder))).close();
    const file = path.join(contentIn(folder, model.content), 'files', 'model.gguf');
    overwrite(file, PIECE_BYTES + 5);
    const store = new FilePieceStore(folder);
    expect(await store.paths(model.content)).toBeNull();
    expect(await store.list()).toEqual([]);
    const again = await store.begin(model.content, model.manifest);
    expect([0, 1, 2, 3, 4, 5].filter((piece) => again.pieces.has(piece))).toEqual([0, 2, 3, 4, 5]);
    expect(await again.write(1, model.piece(1))).toBe(true);
    await again.complete();
    await again.close();
  });

  it('leave a link alone that lies in the place of a file', async () => {
    const folder = folderIn();
    const store = new FilePieceStore(folder);
    await (await store.begin(model.content, model.manifest)).close();
    const elsewhere = path.join(folder, 'elsewhere');
    writeFileSync(elsewhere, 'not ours');
    rmSync(path.join(contentIn(folder, model.content), 'part.0'), { force: true });
    symlinkSync(elsewhere, path.join(contentIn(folder, model.content), 'part.0'));
    const stored = await store.begin(model.content, model.manifest);
    await stored.keepLayer(0, model.layers[0] ?? new Uint8Array());
    await expect(stored.write(0, model.piece(0))).rejects.toThrow();
    await stored.close();
    expect(readFileSync(elsewhere, 'utf8')).toBe('not ours');
  });

  it('are nothing when their records are damaged, and can be begun again', async () => {
    const folder = folderIn();
    await (await fill(new FilePieceStore(folder))).close();
    const at = contentIn(folder, model.content);
    for (const name of readdirSync(at)) if (name !== 'files') writeFileSync(path.join(at, name), 'x');
    const store = new FilePieceStore(folder);
    expect(await store.list()).toEqual([]);
    const again = await store.begin(model.content, model.manifest);
    expect(again.pieces.count).toBe(0);
    await again.keepLayer(0, model.layers[0] ?? new Uint8Array());
    for (let piece = 0; piece < model.map.count; piece++) await again.write(piece, model.piece(piece));
    await again.complete();
    await again.close();
  });
});
