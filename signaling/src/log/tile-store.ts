/** Where the files of the log lie: in a folder, in memory, or later with a provider of storage. */
import { readEntries } from '@llmesh/log/tree/entries';
import { HASH_BYTES } from '@llmesh/log/base/hashing';
import type { NoteFile } from '@llmesh/log/node/tile-folder';
import { readTilePath, tilePath, TILE_WIDTH, type Tile } from '@llmesh/log/tree/tile';
import type { WrittenTile } from '@llmesh/log/tree/tile-appender';

/** `TileFolder` of the package is one. All reject with the system's error. */
export interface TileStore {
  /** What lies at this path below the log's address; null: nothing does, or nothing that belongs to a log. */
  read(path: string): Promise<Uint8Array | null>;
  /** Durable when it resolves. A full tile may take the place of narrower ones. */
  write(growth: { readonly tiles: readonly WrittenTile[] }): Promise<void>;
  /** Durable when it resolves, and whole at any time. */
  writeCheckpoint(note: string, file: NoteFile): Promise<void>;
}

/** Like `read`; of a tile that has become full since, its beginning. */
export async function readTile(store: Pick<TileStore, 'read'>, path: string): Promise<Uint8Array | null> {
  const bytes = await store.read(path);
  const tile = bytes === null ? readTilePath(path) : null;
  if (tile === null || tile.width === TILE_WIDTH) return bytes;
  const whole = await store.read(tilePath({ ...tile, width: TILE_WIDTH }));
  return whole === null ? null : beginningOf(whole, tile);
}

function beginningOf(whole: Uint8Array, { level, width }: Tile): Uint8Array | null {
  if (level !== 'entries') return whole.subarray(0, width * HASH_BYTES);
  const entries = readEntries(whole, TILE_WIDTH)?.slice(0, width);
  const last = entries?.at(-1);
  return last === undefined ? null : whole.subarray(0, last.byteOffset + last.byteLength - whole.byteOffset);
}
