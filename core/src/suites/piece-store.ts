/**
 * What every piece store must do. `make` opens a store over what one folder (or its like) holds: called again with the same
 * `place` after `closed`, it finds what was kept, as after a restart.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { MeshError } from '../base/errors.ts';
import { ChunkCutter } from '../models/chunk-cutter.ts';
import { unpackLists } from '../models/chunk-list.ts';
import { contentIdOf } from '../models/content-id.ts';
import { scriptHasher } from '../models/hasher.ts';
import { PIECE_BYTES } from '../models/manifest.ts';
import type { ContentId, PieceStore, StoredContent } from '../models/piece-store.ts';
import { makeModel, randomFile, type MadeModel } from '../testing/made-model.ts';

export interface StoreUnderTest {
  store: PieceStore;
  /** A store over the same place, as another run of the program opens it; null: this one forgets. */
  reopen: (() => Promise<PieceStore>) | null;
  /** Changes a byte of a piece that is kept, behind the store's back. */
  damage: (content: ContentId, piece: number) => Promise<void>;
  /** From now on there is room for so many more bytes; null: this store's room cannot be bounded. */
  leaveRoom: ((bytes: number) => Promise<void>) | null;
  close: () => Promise<void>;
}

export function pieceStoreSuite(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`piece store suite: ${name}`, () => {
    const opened: StoreUnderTest[] = [];
    const open = async () => {
      const one = await make();
      opened.push(one);
      return one;
    };
    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
    });

    const two = () => makeModel({ 'model.gguf': randomFile(PIECE_BYTES + 20_000) });
    const folder = () =>
      makeModel({
        'mlc-chat-config.json': randomFile(700),
        'params/shard-0.bin': randomFile(2 * PIECE_BYTES + 1),
        'tokenizer.json': randomFile(40_000),
      });
    const fill = async (stored: StoredContent, model: MadeModel) => {
      for (const [file, layer] of model.layers.entries()) expect(await stored.keepLayer(file, layer)).toBe(true);
      for (let piece = 0; piece < model.map.count; piece++) {
        expect(await stored.write(piece, model.piece(piece))).toBe(true);
      }
    };

    it('has nothing at first, and says so', async () => {
      const { store } = await open();
      const model = await two();
      expect(await store.list()).toEqual([]);
      expect(await store.open(model.content)).toBeNull();
      await store.remove(model.content);
    });

    it('keeps a model piece by piece, in any order, and gives back what it was given', async () => {
      const { store } = await open();
      const model = await folder();
      const stored = await store.begin(model.content, model.manifest);
      expect(stored.manifest.files.map(({ path }) => path)).toEqual(model.manifest.files.map(({ path }) => path));
      expect(stored.pieces.count).toBe(0);
      for (const [file, layer] of model.layers.entries()) expect(await stored.keepLayer(file, layer)).toBe(true);
      expect(Array.from((await stored.layer(1)) ?? [])).toEqual(Array.from(model.layers[1] ?? []));
      for (const piece of [3, 0, 4, 1, 2]) expect(await stored.write(piece, model.piece(piece))).toBe(true);
      expect(stored.pieces.full).toBe(true);
      for (let piece = 0; piece < model.map.count; piece++) {
        expect(same(await stored.read(piece), model.piece(piece))).toBe(true);
      }
      await stored.complete();
      await stored.close();
      await stored.close();
      expect(await store.list()).toMatchObject([
        { content: model.content, format: 'mlc', sha256: null, sizeBytes: model.map.sizeBytes, whole: true },
      ]);
    });

    it('refuses bytes that are not a piece, and keeps none of them', async () => {
      const { store } = await open();
      const model = await two();
      const stored = await store.begin(model.content, model.manifest);
      await stored.keepLayer(0, model.layers[0] ?? new Uint8Array());
      const wrong = model.piece(0);
      wrong[77] = (wrong[77] ?? 0) ^ 1;
      expect(await stored.write(0, wrong)).toBe(false);
      expect(await stored.write(1, model.piece(1).slice(1))).toBe(false);
      expect(await stored.write(0, new Uint8Array(0))).toBe(false);
      expect(stored.pieces.count).toBe(0);
      await expect(stored.read(0)).rejects.toMatchObject({ code: 'model_integrity' });
      expect(await stored.write(0, model.piece(0))).toBe(true);
      await stored.close();
    });

    it('knows no pieces beyond the last', async () => {
      const { store } = await open();
      const model = await two();
      const stored = await store.begin(model.content, model.manifest);
      await expect(stored.write(2, new Uint8Array(1))).rejects.toThrow(RangeError);
      await expect(stored.write(-1, new Uint8Array(1))).rejects.toThrow(RangeError);
      await stored.close();
    });

    it('refuses a layer that the root does not cover, whatever its length', async () => {
      const { store } = await open();
      const model = await two();
      const stored = await store.begin(model.content, model.manifest);
      const layer = (model.layers[0] ?? new Uint8Array()).slice();
      layer[0] = (layer[0] ?? 0) ^ 1;
      expect(await stored.keepLayer(0, layer)).toBe(false);
      expect(await stored.keepLayer(0, new Uint8Array(0))).toBe(false);
      expect(await stored.keepLayer(0, new Uint8Array(96))).toBe(false);
      expect(await stored.keepLayer(1, model.layers[0] ?? new Uint8Array())).toBe(false);
      expect(await stored.layer(0)).toBeNull();
      await stored.close();
    });

    it('keeps the layers of several files that come at once', async () => {
      const under = await open();
      const model = await makeModel({ 'a.bin': randomFile(2 * PIECE_BYTES), 'b.bin': randomFile(2 * PIECE_BYTES) });
      const stored = await under.store.begin(model.content, model.manifest);
      const kept = await Promise.all(model.layers.map((layer, file) => stored.keepLayer(file, layer)));
      expect(kept).toEqual([true, true]);
      await stored.write(0, model.piece(0));
      await stored.close();
      const store = under.reopen === null ? under.store : await under.reopen();
      const again = await store.open(model.content);
      for (const [file, layer] of model.layers.entries()) {
        expect(same((await again?.layer(file)) ?? new Uint8Array(), layer)).toBe(true);
      }
      await again?.close();
    });

    it('needs no layer for a file of one piece: its root is it', async () => {
      const { store } = await open();
      const model = await makeModel({ 'adapter.gguf': randomFile(50_000) });
      const stored = await store.begin(model.content, model.manifest);
      const wrong = model.piece(0);
      wrong[0] = (wrong[0] ?? 0) ^ 1;
      expect(await stored.write(0, wrong)).toBe(false);
      expect(await stored.write(0, model.piece(0))).toBe(true);
      await stored.complete();
      await stored.close();
    });

    it('keeps pieces on trial until the last of their file or its layer is here', async () => {
      const { store } = await open();
      const model = await folder();
      const stored = await store.begin(model.content, model.manifest);
      expect(await stored.write(1, model.piece(1))).toBe(true);
      expect(await stored.write(2, model.piece(2))).toBe(true);
      expect(stored.pieces.count).toBe(0);
      expect(await stored.write(3, model.piece(3))).toBe(true);
      expect(stored.pieces.count).toBe(3);
      expect(Array.from((await stored.layer(1)) ?? [])).toEqual(Array.from(model.layers[1] ?? []));
      expect(same(await stored.read(2), model.piece(2))).toBe(true);
      await stored.close();
    });

    it('drops all pieces on trial when they turn out to be another file', async () => {
      const { store } = await open();
      const model = await two();
      const stored = await store.begin(model.content, model.manifest);
      const wrong = model.piece(0);
      wrong[5] = (wrong[5] ?? 0) ^ 1;
      expect(await stored.write(0, wrong.slice())).toBe(true);
      expect(await stored.write(1, model.piece(1))).toBe(false);
      expect(stored.pieces.count).toBe(0);
      // The layer shows which of them was right.
      expect(await stored.write(0, wrong.slice())).toBe(true);
      expect(await stored.keepLayer(0, model.layers[0] ?? new Uint8Array())).toBe(true);
      expect(stored.pieces.count).toBe(0);
      expect(await stored.write(0, model.piece(0))).toBe(true);
      expect(await stored.write(1, model.piece(1))).toBe(true);
      await stored.complete();
      await stored.close();
    });

    it('lets one write and others read, and says so to a second that would write', async () => {
      const { store } = await open();
      const model = await two();
      const writer = await store.begin(model.content, model.manifest);
      await expect(store.begin(model.content, model.manifest)).rejects.toMatchObject({ code: 'busy' });
      const reader = await store.open(model.content);
      await fill(writer, model);
      expect(reader?.pieces.full).toBe(true);
      expect(same((await reader?.read(1)) ?? new Uint8Array(), model.piece(1))).toBe(true);
      await expect(store.remove(model.content)).rejects.toMatchObject({ code: 'busy' });
      await writer.close();
      await expect(store.remove(model.content)).rejects.toMatchObject({ code: 'busy' });
      await reader?.close();
      await store.remove(model.content);
      expect(await store.list()).toEqual([]);
    });

    it('continues what was begun, after a restart too', async () => {
      const under = await open();
      const model = await folder();
      const first = await under.store.begin(model.content, model.manifest);
      for (const [file, layer] of model.layers.entries()) await first.keepLayer(file, layer);
      await first.write(0, model.piece(0));
      await first.write(2, model.piece(2));
      await first.close();
      const store = under.reopen === null ? under.store : await under.reopen();
      expect(await store.list()).toMatchObject([
        { content: model.content, whole: false, loadedBytes: 700 + PIECE_BYTES },
      ]);
      const again = await store.begin(model.content, model.manifest);
      expect([0, 1, 2, 3, 4].filter((piece) => again.pieces.has(piece))).toEqual([0, 2]);
      expect(Array.from((await again.layer(1)) ?? [])).toEqual(Array.from(model.layers[1] ?? []));
      await fill(again, model);
      await again.complete();
      await again.close();
    });

    it('notices that the disk lost a piece, and fetches it anew', async () => {
      const { store, damage } = await open();
      const model = await two();
      const stored = await store.begin(model.content, model.manifest);
      await fill(stored, model);
      await stored.flush();
      await damage(model.content, 0);
      await expect(stored.read(0)).rejects.toMatchObject({ code: 'model_integrity' });
      expect(stored.pieces.has(0)).toBe(false);
      expect(await stored.write(0, model.piece(0))).toBe(true);
      expect(same(await stored.read(0), model.piece(0))).toBe(true);
      await stored.close();
    });

    it('is whole only with every piece, and only when the SHA-256 is right', async () => {
      const { store } = await open();
      const model = await two();
      const stored = await store.begin(model.content, model.manifest);
      await expect(stored.complete()).rejects.toMatchObject({ code: 'model_integrity' });
      await stored.close();
      // Somebody says that this file has another SHA-256 than it has.
      const [file] = model.manifest.files;
      if (file === undefined) throw new Error('no file');
      const lie = { ...model.manifest, files: [{ ...file, sha256: new Uint8Array(32) }] };
      const id = contentIdOf(lie, scriptHasher);
      const other = await store.begin(id, lie);
      await fill(other, { ...model, content: id });
      await expect(other.complete()).rejects.toMatchObject({ code: 'model_integrity' });
      await other.close();
      expect((await store.list()).some(({ whole }) => whole)).toBe(false);
    });

    it('cuts a whole model into chunks once, and keeps where they end', async () => {
      const under = await open();
      const model = await folder();
      const begun = await under.store.begin(model.content, model.manifest);
      await expect(begun.cut(false)).rejects.toMatchObject({ code: 'model_integrity' });
      await fill(begun, model);
      expect(await begun.chunks()).toBeNull();
      await begun.complete();
      await begun.close();
      const stored = await under.store.open(model.content);
      expect(await stored?.chunks()).toBeNull();
      await stored?.cut(true);
      await stored?.cut(false);
      await stored?.close();
      const store = under.reopen === null ? under.store : await under.reopen();
      const again = await store.open(model.content);
      const sizes = model.manifest.files.map(({ sizeBytes }) => sizeBytes);
      const lists = unpackLists((await again?.chunks()) ?? new Uint8Array(), sizes);
      for (const file of sizes.keys()) {
        const cutter = new ChunkCutter();
        for (let piece = model.map.first(file); piece < model.map.end(file); piece++) cutter.add(model.piece(piece));
        expect(same(lists?.[file] ?? new Uint8Array(), cutter.end())).toBe(true);
      }
      await again?.close();
    });

    it('asks for the room first, and says when there is none', async () => {
      const { store, leaveRoom } = await open();
      if (leaveRoom === null) return;
      const model = await two();
      await leaveRoom(model.map.sizeBytes - 1);
      await expect(store.begin(model.content, model.manifest)).rejects.toThrow(MeshError);
      await expect(store.begin(model.content, model.manifest)).rejects.toMatchObject({ code: 'storage_full' });
      expect(await store.list()).toEqual([]);
    });
  });
}

/** Comparing byte arrays number by number takes vitest seconds. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}
