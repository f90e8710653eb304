/**
 * The files of one model, whole or begun, piece by piece. Shared by all who have it open in this process: they see the same
 * pieces. A piece counts from the moment when it was hashed and found right, and is hashed again whenever it is read.
 */
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import { HASH_BYTES, type Manifest, type ManifestFile } from '@llmesh/core/models/manifest';
import { pieceHash } from '@llmesh/core/models/merkle';
import { PieceHashes } from '@llmesh/core/models/piece-hashes';
import { maxPackedBytes, unpackLists } from '@llmesh/core/models/chunk-list';
import { PieceMap } from '@llmesh/core/models/piece-map';
import { PieceSet } from '@llmesh/core/models/piece-set';
import { sameBytes } from '@llmesh/core/wire/canonical';
import { digestFile } from '../../files/file-hash.ts';
import { writeAll } from '../../files/whole-file.ts';
import { placedFile, type ContentFolder, type PlacedFile, type RecentPieces } from './content-folder.ts';
import { ContentHandles, orDiskFull } from './content-handles.ts';
import { cutFiles } from './cut-files.ts';
import { nodeHasher } from './node-hasher.ts';

/** Pieces that may come before the disk is made to keep them: this many are hashed again after a crash. */
const UNSAVED_PIECES = 64;
const never = new AbortController().signal;

export class ContentFiles {
  readonly content: ContentId;
  readonly manifest: Manifest;
  readonly map: PieceMap;
  readonly pieces: PieceSet;
  readonly #folder: ContentFolder;
  readonly #hashes: PieceHashes;
  readonly #handles: ContentHandles;
  /** Gives up the right to write; null: another process may have it. */
  #release: (() => Promise<void>) | null = null;
  #recent: RecentPieces | null = null;
  /** Pieces whose bytes are being written. */
  readonly #writing = new Set<number>();
  #unsaved = 0;
  /** Layers are written one after the other. */
  #keeping: Promise<void> = Promise.resolve();
  /** Null: they are not here, or nobody has asked yet. */
  #chunks: Uint8Array | null = null;
  #saving: Promise<void> | null = null;

  private constructor(folder: ContentFolder, content: ContentId, manifest: Manifest, placed: PlacedFile[] | null) {
    this.content = content;
    this.manifest = manifest;
    this.map = new PieceMap(manifest);
    this.pieces = new PieceSet(this.map.count);
    this.#folder = folder;
    this.#handles = new ContentHandles(folder, placed);
    this.#hashes = new PieceHashes(manifest, this.map, nodeHasher);
  }

  /** Null: nothing of it is here, or nothing that can be checked. */
  static async open(folder: ContentFolder, content: ContentId): Promise<ContentFiles | null> {
    const manifest = await folder.manifest();
    if (manifest === null) return null;
    const files = new ContentFiles(folder, content, manifest, await folder.files());
    files.#hashes.read(await folder.layers(files.map.count * HASH_BYTES));
    if (files.#handles.placed !== null) {
      if (files.#handles.placed.length !== manifest.files.length || !files.#hashes.complete) return null;
      files.pieces.fill();
      return files;
    }
    const have = await folder.have(files.map.count);
    for (let piece = 0; piece < files.map.count; piece++) {
      if (have.has(piece) && files.#hashes.knows(piece)) files.pieces.add(piece);
    }
    await files.#lookAgain(await folder.recent());
    return files;
  }

  get whole(): boolean {
    return this.#handles.placed !== null;
  }

  get writable(): boolean {
    return this.#release !== null;
  }

  get loadedBytes(): number {
    if (this.pieces.full) return this.map.sizeBytes;
    let bytes = 0;
    for (let piece = 0; piece < this.map.count; piece++) {
      if (this.pieces.has(piece)) bytes += this.map.place(piece).sizeBytes;
    }
    return bytes;
  }

  /** Where its files lie, in the order of the manifest; null: it is not whole. */
  get paths(): string[] | null {
    return this.#handles.placed?.map((file) => file.path) ?? null;
  }

  /** It may be written from now on. `release`: called when it is closed. */
  async takeOver(release: () => Promise<void>): Promise<void> {
    this.#release = release;
    if (this.whole) return;
    // They may have been opened for reading only.
    await this.#handles.close();
    // Files that were whole once, of which nobody knows any more whether they are.
    for (const [i, file] of this.manifest.files.entries()) {
      const before = this.#folder.wholeOf(file.path);
      if ((await placedFile(this.#folder.partOf(i))) !== null || (await placedFile(before)) === null) continue;
      await rename(before, this.#folder.partOf(i));
      await this.#lookAgain(range(this.map.first(i), this.map.end(i)));
    }
    await this.flush();
  }

  layer(file: number): Uint8Array | null {
    return this.#hashes.layer(file);
  }

  async keepLayer(file: number, layer: Uint8Array): Promise<boolean> {
    const known = this.#hashes.layer(file);
    if (known !== null) return sameBytes(known, layer);
    if (!this.#hashes.isLayer(file, layer)) return false;
    const right = this.#hashes.cover(file, layer.slice());
    // Those of several files may come at once.
    const keeping = this.#keeping.then(() => this.#full(() => this.#folder.keepLayers(this.#hashes.bytes())));
    this.#keeping = keeping.catch(() => {});
    await keeping;
    for (const piece of right) this.pieces.add(piece);
    return true;
  }

  async read(piece: number): Promise<Uint8Array<ArrayBuffer>> {
    const place = this.map.place(piece);
    const bytes = this.pieces.has(piece) ? await this.#handles.read(place, this.writable) : null;
    if (bytes !== null && this.#isRight(piece, bytes)) return bytes;
    this.pieces.delete(piece);
    throw new MeshError(
      'model_integrity',
      `Part of ${this.#file(place.file).path} is not on the disk as it was. It is not lent any more; if it happens again, check the disk.`,
    );
  }

  async write(piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    if (!this.writable) throw notOurs();
    const place = this.map.place(piece);
    if (bytes.byteLength !== place.sizeBytes) return false;
    const hash = pieceHash(bytes, this.#file(place.file).sizeBytes, nodeHasher);
    if (this.#hashes.isWrong(piece, hash)) return false;
    if (this.pieces.has(piece)) return true;
    await this.#saving;
    let right: boolean;
    try {
      await this.#full(async () => {
        this.#note(piece);
        await writeAll(await this.#handles.open(place.file, true), bytes, place.offset);
      });
      const judged = this.#hashes.came(piece, hash);
      if (judged === 'right') this.pieces.add(piece);
      right = typeof judged === 'string' ? judged !== 'wrong' : await this.keepLayer(place.file, judged.last);
    } finally {
      this.#writing.delete(piece);
    }
    this.#unsaved += 1;
    if (this.#unsaved >= UNSAVED_PIECES) await this.flush();
    return right;
  }

  /** One after the other. */
  flush(): Promise<void> {
    if (!this.writable || this.whole) return Promise.resolve();
    const before = this.#saving ?? Promise.resolve();
    const saving = before
      .catch(() => {})
      .then(() => this.#full(() => this.#save()))
      .finally(() => {
        if (this.#saving === saving) this.#saving = null;
      });
    this.#saving = saving;
    return saving;
  }

  async complete(): Promise<void> {
    if (this.whole) return;
    if (!this.writable) throw notOurs();
    if (!this.pieces.full) throw new MeshError('model_integrity', 'Some of the model is not here yet. Fetch it again.');
    await this.flush();
    for (const [i, file] of this.manifest.files.entries()) {
      const sha256 = Buffer.from(await digestFile(this.#folder.partOf(i), never), 'hex');
      if (sameBytes(sha256, file.sha256)) continue;
      throw new MeshError(
        'model_integrity',
        `What came as ${file.path} is not the file that its description names. It cannot be used; get the model from elsewhere.`,
      );
    }
    await this.#full(() => this.#placeAs(this.manifest.files.map((file) => this.#folder.wholeOf(file.path))));
  }

  /** Moves the files of a whole model there; the caller has the lock. False: they are not ours to move. */
  async moveTo(paths: readonly string[]): Promise<boolean> {
    const { placed } = this.#handles;
    if (placed === null) throw new MeshError('model_integrity', 'Some of the model is not here yet. Fetch it again.');
    if (placed.some((file) => !file.path.startsWith(this.#folder.folder + path.sep))) return false;
    await this.#full(() => this.#placeAs(paths));
    return true;
  }

  /** See `StoredContent`. */
  async chunks(): Promise<Uint8Array | null> {
    if (!this.whole || this.#chunks !== null) return this.#chunks;
    const sizes = this.manifest.files.map(({ sizeBytes }) => sizeBytes);
    const packed = await this.#folder.chunks(maxPackedBytes(sizes));
    this.#chunks = packed !== null && unpackLists(packed, sizes) !== null ? packed : null;
    return this.#chunks;
  }

  /** See `StoredContent`. */
  async cut(gently: boolean, signal: AbortSignal): Promise<void> {
    const { paths } = this;
    if (paths === null) throw new MeshError('model_integrity', 'Some of the model is not here yet. Fetch it again.');
    if ((await this.chunks()) !== null) return;
    const packed = await cutFiles({ files: paths, gently }, signal);
    // Lists of other bytes would only cost those who believe them.
    if ((await this.#folder.files()) === null) throw changed(paths);
    await this.#full(() => this.#folder.keepChunks(packed));
  }

  /** Another may write it from now on. Idempotent. */
  async giveUp(): Promise<void> {
    const release = this.#release;
    if (release === null) return;
    try {
      await this.flush();
    } finally {
      this.#hashes.forgetTrials();
      this.#recent?.close();
      this.#recent = null;
      this.#release = null;
      await release();
    }
  }

  async close(): Promise<void> {
    try {
      await this.giveUp();
    } finally {
      await this.#handles.close();
    }
  }

  async #placeAs(paths: readonly string[]): Promise<void> {
    await this.#handles.place(paths);
    this.#recent?.close();
    this.#recent = null;
  }

  /** What may be there is hashed. */
  async #lookAgain(pieces: readonly number[]): Promise<void> {
    for (const piece of new Set(pieces)) {
      if (piece >= this.map.count || this.pieces.has(piece)) continue;
      const bytes = this.#hashes.knows(piece) ? await this.#handles.read(this.map.place(piece), this.writable) : null;
      if (bytes !== null && this.#isRight(piece, bytes)) this.pieces.add(piece);
    }
  }

  #isRight(piece: number, bytes: Uint8Array): boolean {
    const { sizeBytes } = this.#file(this.map.place(piece).file);
    return this.#hashes.isRight(piece, pieceHash(bytes, sizeBytes, nodeHasher));
  }

  #file(file: number): ManifestFile {
    const found = this.manifest.files[file];
    if (found === undefined) throw new RangeError(`there is no file ${file}`);
    return found;
  }

  #note(piece: number): void {
    this.#writing.add(piece);
    this.#recent ??= this.#folder.newRecent();
    this.#recent.add(piece);
  }

  /** The bytes first, and then the word that they are there. */
  async #save(): Promise<void> {
    this.#unsaved = 0;
    const have = this.pieces.bytes();
    this.#recent?.close();
    this.#recent = this.#folder.newRecent();
    for (const piece of [...this.#writing, ...this.#hashes.onTrial]) this.#recent.add(piece);
    await this.#handles.sync();
    await this.#folder.keepHave(have);
    await this.#folder.forgetOlder();
  }

  #full<T>(run: () => Promise<T>): Promise<T> {
    return orDiskFull(this.#folder.folder, run);
  }
}

function changed(paths: readonly string[]): MeshError {
  const message = `${paths[0] ?? 'The model'} changed while it was read. It is looked at again the next time.`;
  return new MeshError('model_integrity', message);
}

function notOurs(): MeshError {
  return new MeshError('busy', 'Another llmesh is fetching this model. Wait for it, or stop that one.');
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
