/** Adds leaves to a log of tiles. What it has to know of the log is its right edge, which lies in the tiles themselves. */
import { concatBytes } from '@noble/hashes/utils.js';
import { checkEntry, readEntries, writeEntries } from './entries.ts';
import { PORTABLE, type TreeHasher } from '../base/hashing.ts';
import { LogError } from '../base/log-error.ts';
import { RightEdge } from './right-edge.ts';
import { edgeTiles, MAX_TILE_LEVELS, TILE_HEIGHT, TILE_WIDTH, tileHashes, tilePath, type Tile } from './tile.ts';

/** Reads what lies at a path below the log's folder; null: nothing does. */
export type ReadTile = (path: string) => Promise<Uint8Array | null>;

export interface WrittenTile {
  readonly tile: Tile;
  readonly bytes: Uint8Array;
}

/** What leaves have done to a log: everything to be written before a checkpoint of this size is shown to anyone. */
export interface Growth {
  readonly size: number;
  readonly root: Uint8Array;
  readonly tiles: readonly WrittenTile[];
}

export class TileAppender {
  readonly #hasher: TreeHasher;
  readonly #edge: RightEdge;
  /** By level: the hashes of the tile that is not full. */
  readonly #hashes: Uint8Array[][];
  /** The leaves of the bundle that is not full. */
  #leaves: Uint8Array[];

  private constructor(hasher: TreeHasher, hashes: Uint8Array[][], leaves: Uint8Array[]) {
    this.#hasher = hasher;
    this.#hashes = hashes;
    this.#leaves = leaves;
    this.#edge = new RightEdge(hasher);
    for (let level = hashes.length - 1; level >= 0; level -= 1) {
      for (const hash of hashes[level] ?? []) this.#edge.push(hash, level * TILE_HEIGHT);
    }
  }

  /** Continues the log of `size` leaves. Rejects with `damaged` where its tiles are missing, or do not fit together. */
  static async open(size: number, read: ReadTile, hasher: TreeHasher = PORTABLE): Promise<TileAppender> {
    const hashes: Uint8Array[][] = Array.from({ length: MAX_TILE_LEVELS }, () => []);
    for (const tile of edgeTiles(size)) {
      const found = tileHashes(await readOrFail(tile, read), tile.width);
      if (found === null) throw damaged(tile);
      hashes[Number(tile.level)] = found;
    }
    const width = size % TILE_WIDTH;
    if (width === 0) return new TileAppender(hasher, hashes, []);
    const bundle: Tile = { level: 'entries', index: Math.floor(size / TILE_WIDTH), width };
    const leaves = readEntries(await readOrFail(bundle, read), width);
    if (leaves === null) throw damaged(bundle);
    return new TileAppender(hasher, hashes, leaves);
  }

  get size(): number {
    return this.#edge.size;
  }

  root(): Uint8Array {
    return this.#edge.root();
  }

  /**
   * Adds leaves, and says which tiles that makes: full ones, and those that are not full at the end. The same leaves make
   * the same bytes, whatever was written of them before a crash. Throws for a leaf over 65,535 bytes before anything is added.
   * The leaves belong to the log from then on: nobody may write in them.
   */
  append(leaves: readonly Uint8Array[]): Growth {
    leaves.forEach(checkEntry);
    const tiles: WrittenTile[] = [];
    const grown = new Set<number>();
    const onComplete = (level: number, hash: Uint8Array): void => {
      if (level % TILE_HEIGHT === 0) this.#place(level / TILE_HEIGHT, hash, grown, tiles);
    };
    for (const leaf of leaves) {
      this.#leaves.push(leaf);
      this.#edge.push(this.#hasher.leaf(leaf), 0, onComplete);
      if (this.#leaves.length < TILE_WIDTH) continue;
      tiles.push(this.#bundle());
      this.#leaves = [];
    }
    for (const level of grown) {
      const hashes = this.#hashes[level] ?? [];
      if (hashes.length > 0) tiles.push(this.#written(level, hashes));
    }
    if (leaves.length > 0 && this.#leaves.length > 0) tiles.push(this.#bundle());
    return { size: this.size, root: this.root(), tiles };
  }

  #place(level: number, hash: Uint8Array, grown: Set<number>, tiles: WrittenTile[]): void {
    const hashes = this.#hashes[level] ?? [];
    hashes.push(hash);
    grown.add(level);
    if (hashes.length < TILE_WIDTH) return;
    tiles.push(this.#written(level, hashes));
    this.#hashes[level] = [];
  }

  #written(level: number, hashes: readonly Uint8Array[]): WrittenTile {
    const position = Math.floor(this.size / TILE_WIDTH ** level) - 1;
    const tile = { level, index: Math.floor(position / TILE_WIDTH), width: hashes.length };
    return { tile, bytes: concatBytes(...hashes) };
  }

  #bundle(): WrittenTile {
    const index = Math.floor((this.size - 1) / TILE_WIDTH);
    return {
      tile: { level: 'entries', index, width: this.#leaves.length },
      bytes: writeEntries(this.#leaves),
    };
  }
}

async function readOrFail(tile: Tile, read: ReadTile): Promise<Uint8Array> {
  const bytes = await read(tilePath(tile));
  if (bytes === null) throw damaged(tile);
  return bytes;
}

function damaged(tile: Tile): LogError {
  return new LogError(
    'damaged',
    `The log's file ${tilePath(tile)} is missing or damaged. Make the tiles again from the ledger, or take them from a backup.`,
  );
}
