/**
 * Where content-defined chunks end in a file, and their hashes: two files that share bytes share chunks, wherever those lie. A
 * list is only ever a hint: what is put together by it counts when the hash of the piece is right. An entry is 19 bytes: the
 * chunk's length in 3, and the first 16 of its keyed BLAKE3 hash, as Xet has it.
 */
import { sameBytes } from '../wire/canonical.ts';

const HASH_BYTES = 16;
const LENGTH_BYTES = 3;
export const CHUNK_ENTRY_BYTES = LENGTH_BYTES + HASH_BYTES;
/** Those of Xet for chunks of 64 KiB on average. The last of a file may be shorter. */
const [MIN_CHUNK_BYTES, MAX_CHUNK_BYTES] = [8_128, 131_072];
/** So many bits of a hash tell chunks apart in a map; the whole hash is compared afterwards. */
const KEY_BYTES = 6;

/** The most bytes of a list for a file of this size. */
export function maxListBytes(sizeBytes: number): number {
  return CHUNK_ENTRY_BYTES * (Math.floor(sizeBytes / MIN_CHUNK_BYTES) + 1);
}

export class ChunkList {
  readonly count: number;
  /** The bytes of the file. */
  readonly sizeBytes: number;
  readonly #bytes: Uint8Array;
  /** Where each chunk begins, and behind them the size of the file. */
  readonly #starts: Float64Array;

  private constructor(bytes: Uint8Array, starts: Float64Array) {
    this.#bytes = bytes;
    this.#starts = starts;
    this.count = starts.length - 1;
    this.sizeBytes = starts.at(-1) ?? 0;
  }

  /** A stranger's bytes as the list of a file of this size; null: they cannot be it. */
  static read(bytes: Uint8Array, sizeBytes: number): ChunkList | null {
    if (bytes.byteLength === 0 || bytes.byteLength > maxListBytes(sizeBytes)) return null;
    if (bytes.byteLength % CHUNK_ENTRY_BYTES !== 0) return null;
    const count = bytes.byteLength / CHUNK_ENTRY_BYTES;
    const starts = new Float64Array(count + 1);
    for (let i = 0; i < count; i++) {
      const length = lengthAt(bytes, i);
      const least = i === count - 1 ? 1 : MIN_CHUNK_BYTES;
      if (length < least || length > MAX_CHUNK_BYTES) return null;
      starts[i + 1] = (starts[i] ?? 0) + length;
    }
    return starts[count] === sizeBytes ? new ChunkList(bytes, starts) : null;
  }

  start(chunk: number): number {
    return this.#starts[chunk] ?? this.sizeBytes;
  }

  length(chunk: number): number {
    return this.start(chunk + 1) - this.start(chunk);
  }

  /** A number that chunks with other bytes hardly share. */
  key(chunk: number): number {
    let key = 0;
    const at = chunk * CHUNK_ENTRY_BYTES + LENGTH_BYTES;
    for (let i = 0; i < KEY_BYTES; i++) key = key * 256 + (this.#bytes[at + i] ?? 0);
    return key;
  }

  isSame(chunk: number, other: ChunkList, itsChunk: number): boolean {
    return sameBytes(this.#entry(chunk), other.#entry(itsChunk));
  }

  /** The chunk in which this byte of the file lies. */
  at(offset: number): number {
    let [low, high] = [0, this.count - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.start(middle) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #entry(chunk: number): Uint8Array {
    return this.#bytes.subarray(chunk * CHUNK_ENTRY_BYTES, (chunk + 1) * CHUNK_ENTRY_BYTES);
  }
}

/** `hash`: 32 bytes. */
export function chunkEntry(length: number, hash: Uint8Array): Uint8Array {
  const entry = new Uint8Array(CHUNK_ENTRY_BYTES);
  entry.set([length >> 16, (length >> 8) & 255, length & 255]);
  entry.set(hash.subarray(0, HASH_BYTES), LENGTH_BYTES);
  return entry;
}

/** The lists of all files of a model as they are kept: the length of each in 4 bytes, and the list. */
export function packLists(lists: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(lists.reduce((sum, list) => sum + 4 + list.byteLength, 0));
  let at = 0;
  for (const list of lists) {
    new DataView(packed.buffer).setUint32(at, list.byteLength);
    packed.set(list, at + 4);
    at += 4 + list.byteLength;
  }
  return packed;
}

/** The most bytes that `packLists` makes of files of these sizes. */
export function maxPackedBytes(sizes: readonly number[]): number {
  return sizes.reduce((sum, sizeBytes) => sum + 4 + maxListBytes(sizeBytes), 0);
}

/** Null: they are not the lists of files of these sizes, as after a crash. */
export function unpackLists(packed: Uint8Array, sizes: readonly number[]): Uint8Array[] | null {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const lists: Uint8Array[] = [];
  let at = 0;
  for (const sizeBytes of sizes) {
    if (at + 4 > packed.byteLength) return null;
    const end = at + 4 + view.getUint32(at);
    const list = packed.subarray(at + 4, end);
    if (end > packed.byteLength || ChunkList.read(list, sizeBytes) === null) return null;
    lists.push(list);
    at = end;
  }
  return at === packed.byteLength ? lists : null;
}

function lengthAt(bytes: Uint8Array, chunk: number): number {
  const at = chunk * CHUNK_ENTRY_BYTES;
  return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
}
