import { PIECE_BYTES } from '@llmesh/core/models/manifest';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import { makeModel, randomFile } from '@llmesh/core/testing/made-model';
import { expect, it } from 'vitest';
import { StandInOpfs } from '../../testing/stand-in-opfs.ts';
import { keepFolder } from './keep-folder.ts';
import { OpfsPieceStore } from './opfs-piece-store.ts';
import { storedModel } from './stored-model.ts';

const never = new AbortController().signal;
const SOURCE = 'Some-1B-q4f16_1-MLC';
const files = {
  'Some-1B_cs1k-webgpu.wasm': randomFile(3_000),
  'mlc-chat-config.json': randomFile(700),
  'params_shard_0.bin': randomFile(2 * PIECE_BYTES + 5),
  'tokenizer.json': randomFile(40_000),
};
const folderFiles = () => Object.entries(files).map(([path, bytes]) => ({ path, file: new Blob([bytes]) }));
const unpinned = { format: 'mlc', source: SOURCE } as unknown as CatalogueModel;

it('what nobody pinned is found in the store under the content id that everybody else computes', async () => {
  const opfs = new StandInOpfs();
  const kept = await keepFolder(opfs.root, SOURCE, folderFiles().toReversed(), never);
  const made = await makeModel(files);
  expect(kept?.content).toBe(made.content);
  expect((await storedModel(opfs.root, unpinned))?.content).toBe(made.content);
  expect(await storedModel(opfs.root, { ...unpinned, source: 'Other-MLC' })).toBeNull();
  const store = new OpfsPieceStore(opfs.root, async () => {});
  expect(await store.list()).toMatchObject([{ content: made.content, whole: true, loadedBytes: made.map.sizeBytes }]);
  const stored = await store.open(made.content);
  for (let piece = 0; piece < made.map.count; piece++) {
    expect(Buffer.compare((await stored?.read(piece)) ?? Buffer.alloc(0), made.piece(piece))).toBe(0);
  }
  await stored?.close();
});

it('a pin of the catalogue counts more than the name', async () => {
  const opfs = new StandInOpfs();
  await keepFolder(opfs.root, SOURCE, folderFiles(), never);
  const pinned = { ...unpinned, content: 'ab'.repeat(32) } as unknown as CatalogueModel;
  expect(await storedModel(opfs.root, pinned)).toBeNull();
});

it('leaves nothing behind where the room ends, or it is given up', async () => {
  const opfs = new StandInOpfs();
  opfs.roomBytes = 100_000;
  await expect(keepFolder(opfs.root, SOURCE, folderFiles(), never)).rejects.toMatchObject({
    name: 'QuotaExceededError',
  });
  expect(await storedModel(opfs.root, unpinned)).toBeNull();
  expect([...opfs.entries.keys()]).toEqual([]);
  const gone = AbortSignal.abort();
  await expect(keepFolder(opfs.root, SOURCE, folderFiles(), gone)).rejects.toMatchObject({ name: 'AbortError' });
  expect([...opfs.entries.keys()]).toEqual([]);
});

it('names that no manifest may have are not kept', async () => {
  const opfs = new StandInOpfs();
  const odd = [...folderFiles(), { path: '../escape.bin', file: new Blob([randomFile(10)]) }];
  expect(await keepFolder(opfs.root, SOURCE, odd, never)).toBeNull();
  expect([...opfs.entries.keys()]).toEqual([]);
});
