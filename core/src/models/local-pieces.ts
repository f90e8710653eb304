/**
 * Pieces of a model that need not travel, since their bytes are in other models of this device: an older version of it, or
 * another size that shares tensors. Where they are, lists of chunks say; nothing here believes them, and whoever takes a piece
 * compares its hash.
 */
import { MeshError } from '../base/errors.ts';
import { ChunkList, unpackLists } from './chunk-list.ts';
import { PIECE_BYTES, type Manifest } from './manifest.ts';
import { PieceMap } from './piece-map.ts';
import type { ContentId, PieceStore, StoredContent, StoredSummary } from './piece-store.ts';

/**
 * Another model is cut into chunks for this when it is at most so many times larger or smaller, and all of them together have
 * at most so many times its bytes: reading a disk is some ten times as fast as a connection. Those that were cut before are
 * looked at whatever their size.
 */
const [MAX_RATIO, MAX_CUT_SHARE] = [2, 2];
/** Pieces of other models that are kept in memory: chunks that follow each other mostly lie in the same ones. */
const MAX_READ = 4;

interface Source {
  stored: StoredContent;
  map: PieceMap;
  /** Of its files. */
  lists: readonly ChunkList[];
}

interface Place {
  source: Source;
  file: number;
  offset: number;
}

/** Which pieces can be put together from what is here, and how. */
export interface Plan {
  /** In order. */
  pieces: readonly number[];
  /** Of the files. */
  lists: readonly ChunkList[];
  /** By the keys of chunks. */
  places: ReadonlyMap<number, Place>;
}

export class LocalPieces {
  readonly #store: PieceStore;
  readonly #content: ContentId;
  readonly #map: PieceMap;
  /** In the order of their last use. */
  readonly #read = new Map<string, Uint8Array>();
  readonly #opened = new Set<StoredContent>();
  #sources: Promise<Source[]> | null = null;
  #closed = false;

  constructor(store: PieceStore, content: ContentId, manifest: Manifest) {
    this.#store = store;
    this.#content = content;
    this.#map = new PieceMap(manifest);
  }

  /** Whether there are other models on this device at all. */
  async hasOthers(): Promise<boolean> {
    return (await this.#others()).length > 0;
  }

  /** `lists`: of all files. Cuts other models where nobody has yet. */
  async plan(lists: readonly ChunkList[]): Promise<Plan> {
    const wanted = new Map<number, { list: ChunkList; chunk: number }>();
    for (const list of lists) {
      for (let chunk = 0; chunk < list.count; chunk++) wanted.set(list.key(chunk), { list, chunk });
    }
    const places = new Map<number, Place>();
    for (const source of await (this.#sources ??= this.#openAll())) {
      for (const [file, list] of source.lists.entries()) {
        for (let chunk = 0; chunk < list.count; chunk++) {
          const key = list.key(chunk);
          const same = wanted.get(key);
          if (same === undefined || places.has(key) || !list.isSame(chunk, same.list, same.chunk)) continue;
          places.set(key, { source, file, offset: list.start(chunk) });
        }
      }
    }
    const pieces: number[] = [];
    for (const [file, list] of lists.entries()) {
      for (let piece = this.#map.first(file); piece < this.#map.end(file); piece++) {
        if (this.#chunksOf(piece, list).every((chunk) => places.has(list.key(chunk)))) pieces.push(piece);
      }
    }
    return { pieces, lists, places };
  }

  /** What the plan says a piece is. Null: some of it is not there any more. */
  async piece(piece: number, { lists, places }: Plan): Promise<Uint8Array<ArrayBuffer> | null> {
    const { file, offset, sizeBytes } = this.#map.place(piece);
    const list = lists[file];
    if (list === undefined) return null;
    const bytes = new Uint8Array(sizeBytes);
    for (const chunk of this.#chunksOf(piece, list)) {
      const place = places.get(list.key(chunk));
      const start = list.start(chunk);
      const from = Math.max(start, offset);
      const to = Math.min(start + list.length(chunk), offset + sizeBytes);
      const part = bytes.subarray(from - offset, to - offset);
      if (place === undefined || !(await this.#copy(place, place.offset + from - start, part))) return null;
    }
    return bytes;
  }

  /** Ends what is being cut. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#read.clear();
    await Promise.allSettled([...this.#opened].map((stored) => stored.close()));
    this.#opened.clear();
  }

  #chunksOf(piece: number, list: ChunkList): number[] {
    const { offset, sizeBytes } = this.#map.place(piece);
    const [first, last] = [list.at(offset), list.at(offset + sizeBytes - 1)];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  }

  /** Whole ones, those of about its size first: they are likely to be versions of it. */
  async #others(): Promise<StoredSummary[]> {
    const all = (await this.#store.list()).filter(({ content, whole }) => whole && content !== this.#content);
    return all.toSorted((a, b) => this.#ratio(a) - this.#ratio(b));
  }

  #ratio({ sizeBytes }: StoredSummary): number {
    const ratio = sizeBytes / this.#map.sizeBytes;
    return Math.max(ratio, 1 / ratio);
  }

  async #openAll(): Promise<Source[]> {
    const sources: Source[] = [];
    let mayCutBytes = MAX_CUT_SHARE * this.#map.sizeBytes;
    for (const summary of await this.#others()) {
      const stored = this.#closed ? null : await this.#store.open(summary.content);
      if (stored === null) continue;
      this.#opened.add(stored);
      let lists = await listsOf(stored);
      if (lists === null && this.#ratio(summary) <= MAX_RATIO && summary.sizeBytes <= mayCutBytes && !this.#closed) {
        mayCutBytes -= summary.sizeBytes;
        lists = await cutNow(stored);
      }
      if (lists !== null) sources.push({ stored, map: new PieceMap(stored.manifest), lists });
    }
    return sources;
  }

  async #copy({ source, file }: Place, from: number, into: Uint8Array): Promise<boolean> {
    let at = 0;
    while (at < into.byteLength) {
      const index = Math.floor((from + at) / PIECE_BYTES);
      const bytes = await this.#readPiece(source, source.map.first(file) + index);
      const part = bytes?.subarray(from + at - index * PIECE_BYTES).subarray(0, into.byteLength - at);
      if (part === undefined || part.byteLength === 0) return false;
      into.set(part, at);
      at += part.byteLength;
    }
    return true;
  }

  /** Null: the disk lost it, or it was closed. */
  async #readPiece({ stored }: Source, piece: number): Promise<Uint8Array | null> {
    const name = `${stored.content} ${piece}`;
    const known = this.#read.get(name);
    this.#read.delete(name);
    let bytes: Uint8Array;
    try {
      bytes = known ?? (await stored.read(piece));
    } catch (thrown) {
      if (thrown instanceof MeshError) return null;
      throw thrown;
    }
    if (this.#closed) return null;
    this.#read.set(name, bytes);
    const [oldest] = this.#read.keys();
    if (this.#read.size > MAX_READ && oldest !== undefined) this.#read.delete(oldest);
    return bytes;
  }
}

/** Null: nobody has cut it. */
async function listsOf(stored: StoredContent): Promise<ChunkList[] | null> {
  const packed = await stored.chunks();
  return packed === null ? null : readLists(packed, stored.manifest);
}

/** A stranger's lists of the chunks of all files; null: they cannot be that. */
export function readLists(packed: Uint8Array, { files }: Manifest): ChunkList[] | null {
  const sizes = files.map(({ sizeBytes }) => sizeBytes);
  return unpackLists(packed, sizes)?.flatMap((list, file) => ChunkList.read(list, sizes[file] ?? 0) ?? []) ?? null;
}

/** Null: it cannot be read, or was closed meanwhile. */
async function cutNow(stored: StoredContent): Promise<ChunkList[] | null> {
  try {
    await stored.cut(false);
    return await listsOf(stored);
  } catch (thrown) {
    // Without it, more is fetched, and nothing else is worse.
    if (thrown instanceof MeshError) return null;
    throw thrown;
  }
}
