/** The hashes of a tree, read from its tiles: what proofs are made from. */
import { PORTABLE, type TreeHasher } from '../base/hashing.ts';
import type { SubtreeHashes } from './proof.ts';
import { RightEdge } from './right-edge.ts';
import { TILE_HEIGHT, TILE_WIDTH, tileAt, tilePath, type Tile } from './tile.ts';

/** The hashes of a tile. Rejects where there is none, or another. */
export type LoadTile = (tile: Tile) => Promise<readonly Uint8Array[]>;

/** Tiles that are kept: more than one path from a leaf to the root, and its neighbour, have. */
const KEPT_TILES = 32;

/** A tree of `size` leaves. Concurrent questions about one tile read it once. */
export class TileSource implements SubtreeHashes {
  readonly size: number;
  readonly hasher: TreeHasher;
  readonly #load: LoadTile;
  readonly #kept = new Map<string, Promise<readonly Uint8Array[]>>();

  constructor(size: number, load: LoadTile, hasher: TreeHasher = PORTABLE) {
    this.size = size;
    this.hasher = hasher;
    this.#load = load;
  }

  /** Rejects for a subtree that is not complete in this tree, and as `load` does. */
  async hash(level: number, index: number): Promise<Uint8Array> {
    const tileLevel = Math.floor(level / TILE_HEIGHT);
    const count = 2 ** (level % TILE_HEIGHT);
    const first = index * count;
    const tile = tileAt(tileLevel, first, this.size);
    if (tile === null || (first % TILE_WIDTH) + count > tile.width) {
      throw new RangeError('The tree does not have this subtree.');
    }
    const hashes = (await this.tile(tile)).slice(first % TILE_WIDTH, (first % TILE_WIDTH) + count);
    const edge = new RightEdge(this.hasher);
    for (const hash of hashes) edge.push(hash);
    return edge.root();
  }

  /** All hashes of a tile of this tree. */
  tile(tile: Tile): Promise<readonly Uint8Array[]> {
    const path = tilePath(tile);
    const kept = this.#kept.get(path);
    if (kept !== undefined) {
      // Those asked for last stay longest, so that a walk along the leaves keeps what is above them.
      this.#kept.delete(path);
      this.#kept.set(path, kept);
      return kept;
    }
    const loading = this.#load(tile);
    this.#kept.set(path, loading);
    // What could not be read is asked for again; the error goes to whoever asked.
    loading.catch(() => this.#kept.delete(path));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_TILES) break;
      this.#kept.delete(oldest);
    }
    return loading;
  }
}
