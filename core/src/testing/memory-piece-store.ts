/** Models kept in memory. For tests and the simulator; passes the suite of piece stores. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { MeshError } from '../base/errors.ts';
import type { Manifest } from '../models/manifest.ts';
import { ChunkCutter } from '../models/chunk-cutter.ts';
import { packLists } from '../models/chunk-list.ts';
import { scriptHasher, type Hasher } from '../models/hasher.ts';
import { pieceHash } from '../models/merkle.ts';
import { PieceHashes } from '../models/piece-hashes.ts';
import { PieceMap } from '../models/piece-map.ts';
import { PieceSet } from '../models/piece-set.ts';
import type { ContentId, PieceStore, StoredContent, StoredSummary } from '../models/piece-store.ts';
import { sameBytes } from '../wire/canonical.ts';

export interface MemoryStoreOptions {
  /** All models together. Left out: no limit. */
  maxBytes?: number;
  hasher?: Hasher;
}

export class MemoryPieceStore implements PieceStore {
  readonly #kept = new Map<ContentId, Kept>();
  readonly #options: MemoryStoreOptions;
  #uses = 0;

  constructor(options: MemoryStoreOptions = {}) {
    this.#options = options;
  }

  async list(): Promise<StoredSummary[]> {
    return [...this.#kept.values()].map((kept) => kept.summary);
  }

  async open(content: ContentId): Promise<StoredContent | null> {
    const kept = this.#kept.get(content);
    return kept === undefined ? null : new MemoryContent(kept, () => this.#uses++);
  }

  async begin(content: ContentId, manifest: Manifest): Promise<StoredContent> {
    let kept = this.#kept.get(content);
    if (kept?.writers === 1) throw new MeshError('busy', 'Another tab or program is fetching this model.');
    if (kept === undefined) {
      kept = new Kept(content, manifest, this.#options.hasher ?? scriptHasher);
      const used = [...this.#kept.values()].reduce((sum, { map }) => sum + map.sizeBytes, 0);
      if (used + kept.map.sizeBytes > (this.#options.maxBytes ?? Infinity)) {
        throw new MeshError('storage_full', 'There is not enough room for this model. Remove another one first.');
      }
      this.#kept.set(content, kept);
    }
    kept.writers = 1;
    return new MemoryContent(
      kept,
      () => this.#uses++,
      () => (kept.writers = 0),
    );
  }

  async remove(content: ContentId): Promise<void> {
    if ((this.#kept.get(content)?.handles ?? 0) > 0) {
      throw new MeshError('busy', 'This model is in use. Close what uses it first.');
    }
    this.#kept.delete(content);
  }

  /** For tests: what the disk does to a piece behind our back. */
  damage(content: ContentId, piece: number): void {
    const bytes = this.#kept.get(content)?.bytes.get(piece);
    if (bytes !== undefined) bytes[0] = (bytes[0] ?? 0) ^ 1;
  }
}

class Kept {
  readonly map: PieceMap;
  readonly pieces: PieceSet;
  readonly bytes = new Map<number, Uint8Array<ArrayBuffer>>();
  readonly hashes: PieceHashes;
  readonly content: ContentId;
  readonly manifest: Manifest;
  readonly hasher: Hasher;
  whole = false;
  /** Null: nobody has cut it. */
  chunks: Uint8Array | null = null;
  usedAt = 0;
  writers = 0;
  handles = 0;

  constructor(content: ContentId, manifest: Manifest, hasher: Hasher) {
    this.content = content;
    this.manifest = manifest;
    this.hasher = hasher;
    this.map = new PieceMap(manifest);
    this.pieces = new PieceSet(this.map.count);
    this.hashes = new PieceHashes(manifest, this.map, hasher);
  }

  get summary(): StoredSummary {
    const [first, ...others] = this.manifest.files;
    let loadedBytes = 0;
    for (const piece of this.bytes.keys()) if (this.pieces.has(piece)) loadedBytes += this.map.place(piece).sizeBytes;
    return {
      content: this.content,
      format: this.manifest.format,
      sha256: first !== undefined && others.length === 0 ? bytesToHex(first.sha256) : null,
      sizeBytes: this.map.sizeBytes,
      loadedBytes,
      whole: this.whole,
      usedAt: this.usedAt,
    };
  }
}

class MemoryContent implements StoredContent {
  readonly #kept: Kept;
  readonly #use: () => number;
  readonly #released: () => void;
  #open = true;

  constructor(kept: Kept, use: () => number, released: () => void = () => {}) {
    this.#kept = kept;
    this.#use = use;
    this.#released = released;
    kept.handles++;
  }

  get content(): ContentId {
    return this.#kept.content;
  }

  get manifest(): Manifest {
    return this.#kept.manifest;
  }

  get pieces(): PieceSet {
    return this.#kept.pieces;
  }

  async layer(file: number): Promise<Uint8Array | null> {
    return this.#kept.hashes.layer(file);
  }

  async keepLayer(file: number, layer: Uint8Array): Promise<boolean> {
    const { hashes, pieces } = this.#kept;
    if (!hashes.isLayer(file, layer)) return false;
    for (const piece of hashes.cover(file, layer.slice())) pieces.add(piece);
    return true;
  }

  async read(piece: number): Promise<Uint8Array<ArrayBuffer>> {
    const { map, bytes, pieces, hashes, hasher, manifest } = this.#kept;
    const { file } = map.place(piece);
    const found = bytes.get(piece);
    if (found === undefined || !pieces.has(piece)) throw lost();
    this.#kept.usedAt = this.#use();
    if (!hashes.isRight(piece, pieceHash(found, manifest.files[file]?.sizeBytes ?? 0, hasher))) {
      pieces.delete(piece);
      bytes.delete(piece);
      throw lost();
    }
    return found.slice();
  }

  async write(piece: number, taken: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { map, bytes, pieces, hashes, hasher, manifest } = this.#kept;
    const { file, sizeBytes } = map.place(piece);
    if (taken.byteLength !== sizeBytes) return false;
    const judged = hashes.came(piece, pieceHash(taken, manifest.files[file]?.sizeBytes ?? 0, hasher));
    if (judged === 'wrong') return false;
    bytes.set(piece, taken.slice());
    if (judged === 'right') pieces.add(piece);
    return typeof judged === 'string' || (await this.keepLayer(file, judged.last));
  }

  async chunks(): Promise<Uint8Array | null> {
    return this.#kept.chunks;
  }

  async cut(): Promise<void> {
    const { map, manifest, whole } = this.#kept;
    if (!whole) throw lost();
    if (this.#kept.chunks !== null) return;
    const lists = manifest.files.map(async (_, file) => {
      const cutter = new ChunkCutter();
      for (let piece = map.first(file); piece < map.end(file); piece++) cutter.add(await this.read(piece));
      return cutter.end();
    });
    this.#kept.chunks = packLists(await Promise.all(lists));
  }

  async flush(): Promise<void> {}

  async complete(): Promise<void> {
    const { map, manifest, bytes, pieces, hasher } = this.#kept;
    if (!pieces.full) throw lost();
    for (const [file, { sha256 }] of manifest.files.entries()) {
      const hash = hasher.stream();
      for (let piece = map.first(file); piece < map.end(file); piece++)
        hash.update(bytes.get(piece) ?? new Uint8Array());
      if (!sameBytes(hash.digest(), sha256)) {
        throw new MeshError('model_integrity', 'The pieces of this model are not the file that its name stands for.');
      }
    }
    this.#kept.whole = true;
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#kept.handles--;
    this.#released();
  }
}

function lost(): MeshError {
  return new MeshError('model_integrity', 'A part of this model is not on this device any more. Fetch it again.');
}
