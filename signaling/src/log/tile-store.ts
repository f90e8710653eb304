/** Where the tiles of the log lie: in a folder, in memory, or later with a provider of storage. */
import type { WrittenTile } from '@llmesh/log/tree/tile-appender';
import { readEntries } from '@llmesh/log/tree/entries';
import { HASH_BYTES } from '@llmesh/log/base/hashing';
import { TILE_WIDTH, type Tile } from '@llmesh/log/tree/tile';

/** `signed`: the newest checkpoint that we have signed; `final`: the newest that enough witnesses have. */
export type NoteName = 'signed' | 'final';

export interface TileStore {
  /**
   * What lies at this path below the log's address; null: nothing does. A tile that is not full is the beginning of a wider
   * one, which takes its place. Rejects with the system's error.
   */
  read(path: string): Promise<Uint8Array | null>;
  /** Durable when it resolves. Rejects with the system's error. */
  write(tiles: readonly WrittenTile[]): Promise<void>;
  /** Null: there is none. Rejects with the system's error. */
  readNote(name: NoteName): Promise<string | null>;
  /** Durable when it resolves, and whole at any time. Rejects with the system's error. */
  writeNote(name: NoteName, note: string): Promise<void>;
}

/** The beginning of a tile that is at least as wide. Null: it is not. */
export function narrowed(bytes: Uint8Array, { level, width }: Tile): Uint8Array | null {
  if (level !== 'entries') return bytes.byteLength < width * HASH_BYTES ? null : bytes.subarray(0, width * HASH_BYTES);
  if (width === TILE_WIDTH) return readEntries(bytes, width) === null ? null : bytes;
  const end = endOfEntries(bytes, width);
  return end === null ? null : bytes.subarray(0, end);
}

/** Where so many entries end: each follows its length, a big-endian uint16. */
function endOfEntries(bytes: Uint8Array, count: number): number | null {
  let at = 0;
  for (let i = 0; i < count; i++) {
    const [high, low] = [bytes[at], bytes[at + 1]];
    if (high === undefined || low === undefined) return null;
    at += 2 + high * 256 + low;
  }
  return at <= bytes.byteLength ? at : null;
}
