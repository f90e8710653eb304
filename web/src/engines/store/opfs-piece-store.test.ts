/** In a stand-in for the file system of a browser; `e2e/tests/models-from-peers.test.ts` has the real ones. */
import { describe, expect, it } from 'vitest';
import { PIECE_BYTES } from '@llmesh/core/models/manifest';
import { pieceStoreSuite } from '@llmesh/core/suites/piece-store';
import { makeModel, randomFile } from '@llmesh/core/testing/made-model';
import { storageFull } from '../common/room.ts';
import { StandInOpfs } from '../../testing/stand-in-opfs.ts';
import { OpfsPieceStore } from './opfs-piece-store.ts';

const room = async () => {};

pieceStoreSuite('the file system of a browser', async () => {
  const opfs = new StandInOpfs();
  let roomBytes = Infinity;
  const open = () =>
    new OpfsPieceStore(opfs.root, async (bytes) => {
      if (bytes > roomBytes) throw storageFull();
    });
  return {
    store: open(),
    reopen: async () => {
      opfs.unlockAll();
      return open();
    },
    damage: async (content, piece) => {
      const file = opfs.entries.get(`${content}/0`);
      if (file !== undefined) file.bytes[piece * PIECE_BYTES] = (file.bytes[piece * PIECE_BYTES] ?? 0) ^ 1;
    },
    leaveRoom: async (bytes) => {
      roomBytes = bytes;
    },
    close: async () => {},
  };
});

describe('a store in the file system of a browser', () => {
  const begun = async () => {
    const opfs = new StandInOpfs();
    const model = await makeModel({ 'model.gguf': randomFile(5 * PIECE_BYTES + 9) });
    const store = new OpfsPieceStore(opfs.root, room);
    const stored = await store.begin(model.content, model.manifest);
    await stored.keepLayer(0, model.layers[0] ?? new Uint8Array());
    return { opfs, model, store, stored };
  };

  it('loses nothing when its tab is killed without a word', async () => {
    const { opfs, model, stored } = await begun();
    for (const piece of [0, 3, 5]) await stored.write(piece, model.piece(piece));
    opfs.unlockAll();
    const again = await new OpfsPieceStore(opfs.root, room).begin(model.content, model.manifest);
    expect([0, 1, 2, 3, 4, 5].filter((piece) => again.pieces.has(piece))).toEqual([0, 3, 5]);
  });

  it('does not believe a journal that is ahead of the disk', async () => {
    const { opfs, model, stored } = await begun();
    for (const piece of [0, 3]) await stored.write(piece, model.piece(piece));
    opfs.entries.get(`${model.content}/0`)?.bytes.fill(0, 3 * PIECE_BYTES);
    opfs.unlockAll();
    const again = await new OpfsPieceStore(opfs.root, room).begin(model.content, model.manifest);
    expect([0, 1, 2, 3, 4, 5].filter((piece) => again.pieces.has(piece))).toEqual([0]);
  });

  it('is busy while another tab writes the same model, and begins when that tab is gone', async () => {
    const { opfs, model, stored } = await begun();
    const other = new OpfsPieceStore(opfs.root, room);
    await expect(other.begin(model.content, model.manifest)).rejects.toMatchObject({ code: 'busy' });
    await expect(other.remove(model.content)).rejects.toMatchObject({ code: 'busy' });
    await stored.close();
    await (await other.begin(model.content, model.manifest)).close();
  });

  it('says that there is no room left when the room shrinks meanwhile, and keeps what it had', async () => {
    const { opfs, model, store, stored } = await begun();
    await stored.write(0, model.piece(0));
    opfs.fault = { step: 'write', error: new DOMException('Full.', 'QuotaExceededError') };
    await expect(stored.write(1, model.piece(1))).rejects.toMatchObject({ code: 'storage_full' });
    opfs.fault = null;
    await stored.close();
    expect(await store.list()).toMatchObject([{ loadedBytes: PIECE_BYTES }]);
  });

  it('names no file after what a manifest says', async () => {
    const { opfs, stored } = await begun();
    await stored.close();
    expect([...opfs.entries.keys()].map((path) => path.split('/')[1])).toEqual(['manifest', 'journal', 'layers']);
  });

  it('fetches again only what the disk lost of a whole model', async () => {
    const { opfs, model, store, stored } = await begun();
    for (let piece = 0; piece < model.map.count; piece++) await stored.write(piece, model.piece(piece));
    await stored.complete();
    await stored.close();
    opfs.entries.get(`${model.content}/0`)?.bytes.fill(0, 2 * PIECE_BYTES, 3 * PIECE_BYTES);
    const read = await store.open(model.content);
    await expect(read?.read(2)).rejects.toMatchObject({ code: 'model_integrity' });
    await read?.close();
    const again = await store.begin(model.content, model.manifest);
    expect([0, 1, 2, 3, 4, 5].filter((piece) => !again.pieces.has(piece))).toEqual([2]);
    await again.write(2, model.piece(2));
    await again.complete();
    await again.close();
    expect(await store.list()).toMatchObject([{ whole: true }]);
  });
});
