/**
 * The files of one model, whole or begun, piece by piece. Shared by all who have it open in this process: they see the same
 * pieces. A piece counts from the moment when it was hashed and found right, and is hashed again whenever it is read.
 */
import { mkdir, rename, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import { HASH_BYTES, type Manifest, type ManifestFile } from '@llmesh/core/models/manifest';
import { pieceHash, rootOf } from '@llmesh/core/models/merkle';
import { PieceMap, type PiecePlace } from '@llmesh/core/models/piece-map';
import { PieceSet } from '@llmesh/core/models/piece-set';
import { sameBytes } from '@llmesh/core/wire/canonical';
import { digestFile } from '../../files/file-hash.ts';
import { openGiven, openOwn } from '../../files/own-file.ts';
import { errno, writeAll } from '../../files/whole-file.ts';
import { placedFile, type ContentFolder, type PlacedFile, type RecentPieces } from './content-folder.ts';
import { nodeHasher } from './node-hasher.ts';

/** Pieces that may come before the disk is made to keep them: this many are hashed again after a crash. */
const UNSAVED_PIECES = 64;
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS']);
const never = new AbortController().signal;

export class ContentFiles {
  readonly content: ContentId;
  readonly manifest: Manifest;
  readonly map: PieceMap;
  readonly pieces: PieceSet;
  readonly #folder: ContentFolder;
  readonly #layers: (Uint8Array | null)[];
  /** Null while it is only begun. */
  #placed: PlacedFile[] | null;
  /** Hashes of pieces whose layer is not here yet. */
  readonly #trial = new Map<number, Uint8Array>();
  readonly #handles = new Map<number, Promise<FileHandle>>();
  /** Gives up the right to write; null: another process may have it. */
  #release: (() => Promise<void>) | null = null;
  #recent: RecentPieces | null = null;
  /** Pieces whose bytes are being written. */
  readonly #writing = new Set<number>();
  #unsaved = 0;
  #saving: Promise<void> | null = null;
  /** Its files are on their way to another place: wait before opening one. */
  #moving: Promise<void> | null = null;

  private constructor(folder: ContentFolder, content: ContentId, manifest: Manifest, placed: PlacedFile[] | null) {
    this.content = content;
    this.manifest = manifest;
    this.map = new PieceMap(manifest);
    this.pieces = new PieceSet(this.map.count);
    this.#folder = folder;
    this.#placed = placed;
    // The root of a file in one piece is the hash of that piece.
    this.#layers = manifest.files.map((file, i) => (this.map.layerBytes(i) === HASH_BYTES ? file.root : null));
  }

  /** Null: nothing of it is here, or nothing that can be checked. */
  static async open(folder: ContentFolder, content: ContentId): Promise<ContentFiles | null> {
    const manifest = await folder.manifest();
    if (manifest === null) return null;
    const files = new ContentFiles(folder, content, manifest, await folder.files());
    await files.#readLayers();
    if (files.#placed !== null) {
      if (files.#placed.length !== manifest.files.length || files.#layers.includes(null)) return null;
      for (let piece = 0; piece < files.map.count; piece++) files.pieces.add(piece);
      return files;
    }
    const have = await folder.have(files.map.count);
    for (let piece = 0; piece < files.map.count; piece++) {
      if (have.has(piece) && files.#hashOf(files.map.place(piece)) !== null) files.pieces.add(piece);
    }
    await files.#lookAgain(await folder.recent());
    return files;
  }

  get whole(): boolean {
    return this.#placed !== null;
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
    return this.#placed?.map((file) => file.path) ?? null;
  }

  /** It may be written from now on. `release`: called when it is closed. */
  async takeOver(release: () => Promise<void>): Promise<void> {
    this.#release = release;
    if (this.whole) return;
    // They may have been opened for reading only.
    await this.#closeHandles();
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
    return this.#layers[file] ?? null;
  }

  async keepLayer(file: number, layer: Uint8Array): Promise<boolean> {
    if (file >= this.map.files || layer.byteLength !== this.map.layerBytes(file)) return false;
    if (this.#layers[file] === null) {
      const { root } = this.#file(file);
      if (!sameBytes(rootOf(layer, nodeHasher), root)) return false;
      this.#layers[file] = layer.slice();
      await this.#full(() => this.#keepLayers());
      this.#judge(file);
      return true;
    }
    return sameBytes(this.#layers[file] ?? layer, layer);
  }

  async read(piece: number): Promise<Uint8Array<ArrayBuffer>> {
    const place = this.map.place(piece);
    const bytes = this.pieces.has(piece) ? await this.#readPlace(place) : null;
    if (bytes !== null && this.#isRight(place, bytes)) return bytes;
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
    const known = this.#hashOf(place);
    if (known !== null && !sameBytes(hash, known)) return false;
    if (this.pieces.has(piece)) return true;
    await this.#saving;
    let right: boolean;
    try {
      await this.#full(async () => {
        this.#note(piece);
        await writeAll(await this.#handle(place.file), bytes, place.offset);
      });
      this.#trial.set(piece, hash);
      right = await this.#tried(place.file, piece);
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
    const placed = this.#placed;
    if (placed === null) throw new MeshError('model_integrity', 'Some of the model is not here yet. Fetch it again.');
    if (placed.some((file) => !file.path.startsWith(this.#folder.folder + path.sep))) return false;
    await this.#full(() => this.#placeAs(paths));
    return true;
  }

  /** Another may write it from now on. Idempotent. */
  async giveUp(): Promise<void> {
    const release = this.#release;
    if (release === null) return;
    try {
      await this.flush();
    } finally {
      this.#trial.clear();
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
      await this.#closeHandles();
    }
  }

  #placeAs(paths: readonly string[]): Promise<void> {
    const moving = this.#move(paths).finally(() => (this.#moving = null));
    this.#moving = moving.catch(() => {});
    return moving;
  }

  async #move(paths: readonly string[]): Promise<void> {
    await this.#closeHandles();
    const placed: PlacedFile[] = [];
    for (const [i, to] of paths.entries()) {
      await mkdir(path.dirname(to), { recursive: true });
      await rename(this.#placed?.[i]?.path ?? this.#folder.partOf(i), to);
      const file = await placedFile(to);
      if (file === null) throw new MeshError('model_integrity', `${to} cannot be read. Check who owns the folder.`);
      placed.push(file);
    }
    this.#recent?.close();
    this.#recent = null;
    this.#placed = placed;
    await this.#folder.keepFiles(placed);
  }

  async #readLayers(): Promise<void> {
    const all = await this.#folder.layers(this.map.count * HASH_BYTES);
    if (all?.byteLength !== this.map.count * HASH_BYTES) return;
    for (const [i, { root }] of this.manifest.files.entries()) {
      const layer = all.slice(this.map.first(i) * HASH_BYTES, this.map.end(i) * HASH_BYTES);
      if (this.#layers[i] === null && sameBytes(rootOf(layer, nodeHasher), root)) this.#layers[i] = layer;
    }
  }

  async #keepLayers(): Promise<void> {
    const all = new Uint8Array(this.map.count * HASH_BYTES);
    for (const [i, layer] of this.#layers.entries()) if (layer !== null) all.set(layer, this.map.first(i) * HASH_BYTES);
    await this.#folder.keepLayers(all);
  }

  /** A piece of this file has come. False: the file turned out to be another. */
  async #tried(file: number, piece: number): Promise<boolean> {
    if (this.#layers[file] !== null) return this.#judge(file, piece);
    const all = range(this.map.first(file), this.map.end(file));
    if (all.some((one) => !this.#trial.has(one))) return true;
    const layer = Buffer.concat(all.map((one) => this.#trial.get(one) ?? Buffer.alloc(HASH_BYTES)));
    if (await this.keepLayer(file, layer)) return true;
    for (const one of all) this.#trial.delete(one);
    return false;
  }

  /** Takes those on trial whose hash is right; false: that of `asked` was not. */
  #judge(file: number, asked: number | null = null): boolean {
    let right = true;
    for (const [piece, hash] of this.#trial) {
      const place = this.map.place(piece);
      if (place.file !== file) continue;
      this.#trial.delete(piece);
      if (sameBytes(this.#hashOf(place) ?? hash, hash)) this.pieces.add(piece);
      else if (piece === asked) right = false;
    }
    return right;
  }

  /** What may be there is hashed. */
  async #lookAgain(pieces: readonly number[]): Promise<void> {
    for (const piece of new Set(pieces)) {
      if (piece >= this.map.count || this.pieces.has(piece)) continue;
      const place = this.map.place(piece);
      const bytes = this.#hashOf(place) === null ? null : await this.#readPlace(place);
      if (bytes !== null && this.#isRight(place, bytes)) this.pieces.add(piece);
    }
  }

  /** Null: the file is shorter, or there is none. */
  async #readPlace({ file, offset, sizeBytes }: PiecePlace): Promise<Uint8Array<ArrayBuffer> | null> {
    const bytes = new Uint8Array(sizeBytes);
    try {
      const { bytesRead } = await (await this.#handle(file)).read(bytes, 0, sizeBytes, offset);
      return bytesRead === sizeBytes ? bytes : null;
    } catch {
      // A disk that cannot read it has lost it.
      return null;
    }
  }

  #isRight(place: PiecePlace, bytes: Uint8Array): boolean {
    const hash = this.#hashOf(place);
    return hash !== null && sameBytes(pieceHash(bytes, this.#file(place.file).sizeBytes, nodeHasher), hash);
  }

  /** Null: its layer is not here. */
  #hashOf({ file, index }: PiecePlace): Uint8Array | null {
    return this.#layers[file]?.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES) ?? null;
  }

  #file(file: number): ManifestFile {
    const found = this.manifest.files[file];
    if (found === undefined) throw new RangeError(`there is no file ${file}`);
    return found;
  }

  async #handle(file: number): Promise<FileHandle> {
    await this.#moving;
    const known = this.#handles.get(file);
    if (known !== undefined) return known;
    const placed = this.#placed?.[file]?.path;
    const opening =
      placed !== undefined
        ? openGiven(placed)
        : this.writable
          ? this.#folder.openPart(file)
          : openOwn(this.#folder.partOf(file));
    this.#handles.set(file, opening);
    opening.catch(() => this.#handles.delete(file));
    return opening;
  }

  async #closeHandles(): Promise<void> {
    const open = [...this.#handles.values()];
    this.#handles.clear();
    for (const handle of await Promise.allSettled(open)) if (handle.status === 'fulfilled') await handle.value.close();
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
    for (const piece of [...this.#writing, ...this.#trial.keys()]) this.#recent.add(piece);
    for (const handle of await Promise.all(this.#handles.values())) await handle.datasync();
    await this.#folder.keepHave(have);
    await this.#folder.forgetOlder();
  }

  /** Says in words when the disk is full. */
  async #full<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (thrown) {
      if (!FULL.has(errno(thrown) ?? '')) throw thrown;
      throw new MeshError(
        'storage_full',
        `The disk of ${this.#folder.folder} takes nothing more. Make room and start again: it continues where it stopped.`,
        { cause: thrown },
      );
    }
  }
}

function notOurs(): MeshError {
  return new MeshError('busy', 'Another llmesh is fetching this model. Wait for it, or stop that one.');
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
