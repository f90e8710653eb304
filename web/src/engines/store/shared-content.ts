/**
 * One content in the origin private file system, in a worker, for all who have it open there. While it is begun, this worker
 * alone has it; once it is whole, every tab reads it, and nobody writes.
 */
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { packLists, unpackLists } from '@llmesh/core/models/chunk-list';
import { scriptHasher } from '@llmesh/core/models/hasher';
import { HASH_BYTES, PIECE_BYTES } from '@llmesh/core/models/manifest';
import { PieceHashes } from '@llmesh/core/models/piece-hashes';
import { PieceMap, type PiecePlace } from '@llmesh/core/models/piece-map';
import { PieceSet } from '@llmesh/core/models/piece-set';
import type { StoredContent } from '@llmesh/core/models/piece-store';
import { freeBuffer } from '@llmesh/core/transport/free-buffer';
import { sameBytes } from '@llmesh/core/wire/canonical';
import { fullOr, orFull } from '../common/room.ts';
import { writeAll } from '../files/sync-write.ts';
import type { ContentFolder } from './content-folder.ts';
import { DataFiles } from './data-files.ts';
import { Journal } from './journal.ts';
import { hashOfPiece } from './web-hash.ts';

/** So much may have to be hashed again after this computer lost power. */
const FLUSH_EVERY_PIECES = 32;

interface Begun {
  journal: Journal;
  layers: FileSystemSyncAccessHandle;
  data: DataFiles;
}

/** As `StoredContent` has it, but for who opens and closes. */
export class SharedContent implements Omit<StoredContent, 'content' | 'manifest' | 'cut'> {
  readonly folder: ContentFolder;
  readonly pieces: PieceSet;
  readonly #map: PieceMap;
  readonly #hashes: PieceHashes;
  #begun: Begun | null;
  #unflushed = 0;
  /** Null: they are not here, or nobody has asked yet. */
  #chunks: Uint8Array | null = null;

  private constructor(folder: ContentFolder, pieces: PieceSet, layers: Uint8Array | null, begun: Begun | null) {
    this.folder = folder;
    this.pieces = pieces;
    this.#map = new PieceMap(folder.manifest);
    this.#hashes = new PieceHashes(folder.manifest, this.#map, scriptHasher);
    this.#hashes.read(layers);
    this.#begun = begun;
  }

  /** Rejects with `busy` while another tab writes it. */
  static async open(folder: ContentFolder): Promise<SharedContent> {
    const map = new PieceMap(folder.manifest);
    if (await folder.isWhole()) {
      const pieces = new PieceSet(map.count);
      pieces.fill();
      return new SharedContent(folder, pieces, await folder.read('layers'), null);
    }
    // Whoever has the journal has all of it.
    const journal = new Journal(await folder.open('journal'), map.count);
    try {
      const known = await folder.read('layers');
      const layers = await folder.open('layers');
      const begun = { journal, layers, data: new DataFiles(folder) };
      const content = new SharedContent(folder, journal.kept, known, begun);
      await content.#recover(journal);
      return content;
    } catch (error) {
      journal.close();
      throw error;
    }
  }

  get whole(): boolean {
    return this.#begun === null;
  }

  async layer(file: number): Promise<Uint8Array | null> {
    return this.#hashes.layer(file);
  }

  async keepLayer(file: number, layer: Uint8Array): Promise<boolean> {
    if (!this.#hashes.isLayer(file, layer)) return false;
    const { layers } = this.#mine();
    const kept = layer.slice();
    orFull(() => writeAll(layers, kept, this.#map.first(file) * HASH_BYTES));
    for (const piece of this.#hashes.cover(file, kept)) this.#take(piece);
    return true;
  }

  async read(piece: number): Promise<Uint8Array<ArrayBuffer>> {
    if (!this.pieces.has(piece)) throw new MeshError('model_integrity', 'This part of the model is not here.');
    const bytes = await this.#bytes(this.#map.place(piece));
    if (bytes !== null && (await this.#isRight(piece, bytes))) return bytes;
    await this.#lost([piece]);
    throw damaged();
  }

  async write(piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { file, offset, sizeBytes } = this.#map.place(piece);
    if (bytes.byteLength !== sizeBytes) return false;
    const hash = await hashOfPiece(bytes, this.folder.manifest.files[file]?.sizeBytes ?? 0);
    if (this.#hashes.isWrong(piece, hash)) return false;
    const handle = await this.#mine()
      .data.open(file)
      .catch((error: unknown) => {
        throw fullOr(error);
      });
    orFull(() => writeAll(handle, bytes, offset));
    const judged = this.#hashes.came(piece, hash);
    if (typeof judged !== 'string') return await this.keepLayer(file, judged.last);
    if (judged === 'right') this.#take(piece);
    if (this.#unflushed >= FLUSH_EVERY_PIECES) await this.flush();
    return judged !== 'wrong';
  }

  async flush(): Promise<void> {
    const begun = this.#begun;
    if (begun === null || this.#unflushed === 0) return;
    this.#unflushed = 0;
    // What is written while the disk works is not flushed yet.
    const flushed = this.pieces.bytes();
    await begun.data.flush();
    begun.layers.flush();
    begun.journal.keep(flushed, this.pieces.bytes());
  }

  async complete(): Promise<void> {
    const begun = this.#begun;
    if (begun === null) return;
    if (!this.pieces.full) throw new MeshError('model_integrity', 'Parts of the model are missing. Start again.');
    await this.flush();
    for (const [file, { sha256 }] of this.folder.manifest.files.entries()) {
      if (sameBytes(await this.#hashOf(file), sha256)) continue;
      await this.#lost(await this.#wrongIn(file));
      throw damaged();
    }
    await this.folder.create('whole');
    this.#begun = null;
    await close(begun);
    await this.folder.drop('journal');
  }

  async chunks(): Promise<Uint8Array | null> {
    if (this.#begun !== null || this.#chunks !== null) return this.#chunks;
    const packed = await this.folder.read('chunks');
    const sizes = this.folder.manifest.files.map(({ sizeBytes }) => sizeBytes);
    this.#chunks = packed !== null && unpackLists(packed, sizes) !== null ? packed : null;
    return this.#chunks;
  }

  /** See `StoredContent`. */
  async cut(gently: boolean, signal: AbortSignal): Promise<void> {
    if (this.#begun !== null) throw new MeshError('model_integrity', 'Parts of the model are missing. Start again.');
    if ((await this.chunks()) !== null) return;
    // Most who open a model never need it.
    const { ChunkCutter } = await import('@llmesh/core/models/chunk-cutter');
    const lists: Uint8Array[] = [];
    for (const file of this.folder.manifest.files.keys()) {
      const cutter = new ChunkCutter();
      for (let piece = this.#map.first(file); piece < this.#map.end(file); piece++) {
        const began = performance.now();
        const bytes = await this.read(piece);
        cutter.add(bytes);
        freeBuffer(bytes.buffer);
        if (signal.aborted) throw cancelled();
        if (gently) await pause(performance.now() - began);
      }
      lists.push(cutter.end());
    }
    await this.folder.write('chunks', packLists(lists));
  }

  /** Whether all that is here still is what it was; what is not is fetched again at the next start. */
  async isGenuine(): Promise<boolean> {
    const wrong = [];
    for (const file of this.folder.manifest.files.keys()) wrong.push(...(await this.#wrongIn(file)));
    await this.#lost(wrong);
    return wrong.length === 0;
  }

  async close(): Promise<void> {
    const begun = this.#begun;
    if (begun === null) return;
    try {
      await this.flush();
    } finally {
      this.#begun = null;
      await close(begun);
    }
  }

  /** What was written before this computer or its browser went down is looked at again. */
  async #recover(journal: Journal): Promise<void> {
    for (let piece = 0; piece < this.pieces.size; piece++) {
      if (this.pieces.has(piece) || !journal.written.has(piece)) continue;
      if (await this.#looked(this.#map.place(piece), (bytes) => this.#isRight(piece, bytes))) this.pieces.add(piece);
    }
    this.#unflushed = 1;
    await this.flush();
  }

  async #isRight(piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { file, sizeBytes } = this.#map.place(piece);
    if (!this.#hashes.knows(piece) || bytes.byteLength !== sizeBytes) return false;
    return this.#hashes.isRight(piece, await hashOfPiece(bytes, this.folder.manifest.files[file]?.sizeBytes ?? 0));
  }

  /** null: the disk has less. */
  async #bytes({ file, offset, sizeBytes }: PiecePlace): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#begun === null) {
      const part = (await this.folder.file(file)).slice(offset, offset + sizeBytes);
      return part.size < sizeBytes ? null : new Uint8Array(await part.arrayBuffer());
    }
    const bytes = new Uint8Array(sizeBytes);
    const handle = await this.#begun.data.open(file);
    return handle.read(bytes, { at: offset }) < sizeBytes ? null : bytes;
  }

  /** What `look` finds in bytes that nobody needs afterwards. False: the disk has less. */
  async #looked(place: PiecePlace, look: (bytes: Uint8Array<ArrayBuffer>) => Promise<boolean>): Promise<boolean> {
    const bytes = await this.#bytes(place);
    if (bytes === null) return false;
    try {
      return await look(bytes);
    } finally {
      freeBuffer(bytes.buffer);
    }
  }

  async #hashOf(file: number): Promise<Uint8Array> {
    const { sizeBytes = 0 } = this.folder.manifest.files[file] ?? {};
    const hash = scriptHasher.stream();
    for (let offset = 0; offset < sizeBytes; offset += PIECE_BYTES) {
      const part = Math.min(PIECE_BYTES, sizeBytes - offset);
      await this.#looked({ file, offset, sizeBytes: part, index: 0 }, async (bytes) => {
        hash.update(bytes);
        return true;
      });
    }
    return hash.digest();
  }

  async #wrongIn(file: number): Promise<number[]> {
    const wrong: number[] = [];
    for (let piece = this.#map.first(file); piece < this.#map.end(file); piece++) {
      if (!(await this.#looked(this.#map.place(piece), (bytes) => this.#isRight(piece, bytes)))) wrong.push(piece);
    }
    return wrong;
  }

  /** What the disk lost is fetched again, and nothing else. */
  async #lost(pieces: readonly number[]): Promise<void> {
    for (const piece of pieces) this.pieces.delete(piece);
    if (this.#begun === null && pieces.length > 0) {
      const bits = this.pieces.bytes();
      const both = new Uint8Array(2 * bits.byteLength);
      both.set(bits);
      both.set(bits, bits.byteLength);
      await this.folder.write('journal', both);
      await this.folder.drop('whole');
    } else {
      this.#unflushed = 1;
      await this.flush();
    }
  }

  #take(piece: number): void {
    orFull(() => this.#mine().journal.wrote(piece));
    this.pieces.add(piece);
    this.#unflushed++;
  }

  #mine(): Begun {
    if (this.#begun === null) throw new MeshError('busy', 'This model is whole already, or it was closed.');
    return this.#begun;
  }
}

async function close({ journal, layers, data }: Begun): Promise<void> {
  try {
    await data.close();
    layers.close();
  } finally {
    // Last: with it, others may begin.
    journal.close();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function damaged(): MeshError {
  return new MeshError(
    'model_integrity',
    'A part of this model was damaged on this device and thrown away. Start again: only that part is downloaded anew.',
  );
}
