import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { PIECE_BYTES } from '@llmesh/core/models/manifest';
import { makeModel, randomFile } from '@llmesh/core/testing/made-model';
import { expect, it } from 'vitest';
import { StandInOpfs } from '../../testing/stand-in-opfs.ts';
import { OpfsFiles } from '../files/opfs-files.ts';
import { keepFile } from './keep-file.ts';
import { OpfsPieceStore } from './opfs-piece-store.ts';

const never = new AbortController().signal;

async function setUp(bytes: Uint8Array<ArrayBuffer>) {
  const opfs = new StandInOpfs();
  const files = new OpfsFiles(opfs.root);
  const file = await files.begin('old.gguf');
  await file.append(bytes);
  await file.close();
  await files.complete('old.gguf');
  return { opfs, files };
}

it('a file that was kept under its own name is moved into the store, with the content id that everybody finds', async () => {
  const bytes = randomFile(2 * PIECE_BYTES + 77);
  const { opfs, files } = await setUp(bytes);
  const kept = await keepFile(opfs.root, 'old.gguf', bytesToHex(sha256(bytes)), never);
  const model = await makeModel({ 'model.gguf': bytes });
  expect(kept?.content).toBe(model.content);
  expect(await files.find('old.gguf')).toBeNull();
  const store = new OpfsPieceStore(opfs.root, async () => {});
  expect(await store.list()).toMatchObject([{ content: model.content, whole: true, loadedBytes: bytes.byteLength }]);
  const stored = await store.open(model.content);
  expect(bytesToHex(sha256((await stored?.read(2)) ?? new Uint8Array()))).toBe(bytesToHex(sha256(model.piece(2))));
  await stored?.close();
});

it('a file that is not what the catalogue names stays where it is, and is lent to nobody', async () => {
  const { opfs, files } = await setUp(randomFile(1_000));
  expect(await keepFile(opfs.root, 'old.gguf', 'ab'.repeat(32), never)).toBeNull();
  expect(await files.find('old.gguf')).toMatchObject({ whole: true });
  expect(await new OpfsPieceStore(opfs.root, async () => {}).list()).toEqual([]);
});

it('it is not whole before it was moved', async () => {
  const bytes = randomFile(1_000);
  const { opfs, files } = await setUp(bytes);
  opfs.fault = { step: 'move', error: new TypeError('This browser does not move files into folders.') };
  await expect(keepFile(opfs.root, 'old.gguf', bytesToHex(sha256(bytes)), never)).rejects.toThrow(TypeError);
  opfs.fault = null;
  expect(await files.find('old.gguf')).toMatchObject({ whole: true });
  expect(await new OpfsPieceStore(opfs.root, async () => {}).list()).toMatchObject([{ whole: false, loadedBytes: 0 }]);
});
