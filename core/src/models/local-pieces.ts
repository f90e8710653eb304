/**
 * Pieces of a model that need not travel, since their bytes are in other models of this device: an older version of it, or
 * another size that shares tensors. Where they are, lists of chunks say; nothing here believes them, and whoever takes a piece
 * compares its hash.
 */
import { MeshError } from '../base/errors.ts';
import { ChunkList } from './chunk-list.ts';
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

/** The pieces of one file that can be put together from what is here. */
export interface FilePlan {
  file: number;
  list: ChunkList;
  /** Where each chunk of the list lies; undefined: nowhere. */
  places: readonly (Place | undefined)[];
  pieces: readonly number[];
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

  /** Reads and cuts other models where nobody has yet. Rejects with cancelled once it is closed. */
  async plan(file: number, list: ChunkList): Promise<FilePlan> {
    const sources = await (this.#sources ??= this.#openAll());
    const chunks = new Map<number, number>();
    for (let chunk = 0; chunk < list.count; chunk++) chunks.set(list.key(chunk), chunk);
    const found = new Map<number, Place>();
    for (const source of sources) {
      for (const [itsFile, itsList] of source.lists.entries()) {
        for (let its = 0; its < itsList.count; its++) {
          const key = itsList.key(its);
          const chunk = chunks.get(key);
          if (chunk === undefined || found.has(key) || !list.isSame(chunk, itsList, its)) continue;
          found.set(key, { source, file: itsFile, offset: itsList.start(its) });
        }
      }
    }
    const places = Array.from({ length: list.count }, (_, chunk) => found.get(list.key(chunk)));
    const pieces: number[] = [];
    for (let piece = this.#map.first(file); piece < this.#map.end(file); piece++) {
      if (this.#chunksOf(piece, list).every((chunk) => places[chunk] !== undefined)) pieces.push(piece);
    }
    return { file, list, places, pieces };
  }

  /** What the plan says a piece is. Null: some of it is not there any more. */
  async piece(piece: number, { list, places }: FilePlan): Promise<Uint8Array<ArrayBuffer> | null> {
    const { offset, sizeBytes } = this.#map.place(piece);
    const bytes = new Uint8Array(sizeBytes);
    for (const chunk of this.#chunksOf(piece, list)) {
      const place = places[chunk];
      const from = Math.max(list.start(chunk), offset);
      const to = Math.min(list.start(chunk + 1), offset + sizeBytes);
      if (place === undefined) return null;
      const begin = place.offset + from - list.start(chunk);
      if (!(await this.#copy(place, begin, bytes.subarray(from - offset, to - offset)))) return null;
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
  const lists: ChunkList[] = [];
  for (const [file, { sizeBytes }] of stored.manifest.files.entries()) {
    const bytes = await stored.chunks(file);
    const list = bytes === null ? null : ChunkList.read(bytes, sizeBytes);
    if (list === null) return null;
    lists.push(list);
  }
  return lists;
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
