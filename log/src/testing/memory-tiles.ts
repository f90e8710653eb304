/** A log's files in memory, and a log that is written into them. */
import type { TreeHasher } from '../base/hashing.ts';
import type { Growth, ReadTile } from '../tree/tile-appender.ts';
import { TileAppender } from '../tree/tile-appender.ts';
import { TILE_WIDTH, tileHashes, tilePath } from '../tree/tile.ts';
import { TileSource } from '../tree/tile-source.ts';

export class MemoryTiles {
  readonly files = new Map<string, Uint8Array>();

  readonly read: ReadTile = (path) => Promise.resolve(this.files.get(path) ?? null);

  /** As the specification allows, what a full tile replaces is gone. */
  write({ tiles }: Growth): void {
    for (const { tile, bytes } of tiles) {
      const path = tilePath(tile);
      this.files.set(path, bytes);
      if (tile.width !== TILE_WIDTH) continue;
      for (const other of this.files.keys()) if (other.startsWith(`${path}.p/`)) this.files.delete(other);
    }
  }

  source(size: number): TileSource {
    return new TileSource(size, async (tile) => {
      const hashes = tileHashes(this.files.get(tilePath(tile)) ?? new Uint8Array(), tile.width);
      if (hashes === null) throw new Error(`${tilePath(tile)} is not there.`);
      return hashes;
    });
  }
}

/** A log of these leaves, written at once. */
export async function logOf(
  leaves: readonly Uint8Array[],
  hasher?: TreeHasher,
): Promise<{ tiles: MemoryTiles; root: Uint8Array }> {
  const tiles = new MemoryTiles();
  const growth = (await TileAppender.open(0, tiles.read, hasher)).append(leaves);
  tiles.write(growth);
  return { tiles, root: growth.root };
}

/** As in Go's tests: `leaf 0`, `leaf 1` and so on. */
export function someLeaves(count: number, from = 0): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => new TextEncoder().encode(`leaf ${from + i}`));
}
