/**
 * The tree of a checkpoint, read from tiles that anyone may have altered: each hash and each leaf is compared with what
 * the root covers before it is given out. It keeps a few tiles and bundles, however long the log is.
 */
import { PORTABLE, sameBytes, type TreeHasher } from '../base/hashing.ts';
import { LogError } from '../base/log-error.ts';
import type { Checkpoint } from '../note/checkpoint.ts';
import { MAX_ENTRY_BYTES, maxBundleBytes, readEntries } from '../tree/entries.ts';
import { rootOf } from '../tree/proof.ts';
import { RightEdge } from '../tree/right-edge.ts';
import { TileSource } from '../tree/tile-source.ts';
import {
  edgeTiles,
  MAX_TILE_BYTES,
  TILE_HEIGHT,
  TILE_WIDTH,
  tileAt,
  tileHashes,
  tilePath,
  type Tile,
} from '../tree/tile.ts';

/**
 * What lies at this path below the log's address: null, nothing does. Rejects where it is longer than `maxBytes`, or
 * cannot be had.
 */
export type FetchFile = (path: string, maxBytes: number, signal: AbortSignal) => Promise<Uint8Array | null>;

export interface ReadOptions {
  readonly fetch: FetchFile;
  /** The longest leaf that this log can have. */
  readonly maxEntryBytes?: number;
  readonly hasher?: TreeHasher;
}

/** Leaves from `index` on. */
export interface LeafRun {
  readonly index: number;
  readonly leaves: readonly Uint8Array[];
}

/** Bundles that are fetched while one is worked on. */
const AHEAD = 4;

export class VerifiedTree {
  readonly checkpoint: Checkpoint;
  /** Hashes that the root covers, for proofs. */
  readonly hashes: TileSource;
  readonly #options: ReadOptions;
  readonly #signal: AbortSignal;
  /** The tiles at the right edge, by path: the root is made of them. */
  readonly #edge = new Map<string, readonly Uint8Array[]>();

  private constructor(checkpoint: Checkpoint, options: ReadOptions, signal: AbortSignal) {
    this.checkpoint = checkpoint;
    this.#options = options;
    this.#signal = signal;
    this.hashes = new TileSource(checkpoint.size, (tile) => this.#load(tile), options.hasher);
  }

  /**
   * `signal` ends everything that is asked of the tree later, too. Rejects with `missing` where a tile is not served, with
   * `inconsistent` where the tiles do not have the checkpoint's root.
   */
  static async open(checkpoint: Checkpoint, options: ReadOptions, signal: AbortSignal): Promise<VerifiedTree> {
    const tree = new VerifiedTree(checkpoint, options, signal);
    const edge = new RightEdge(options.hasher ?? PORTABLE);
    for (const tile of edgeTiles(checkpoint.size).toReversed()) {
      const hashes = await tree.#fetchTile(tile);
      tree.#edge.set(tilePath(tile), hashes);
      for (const hash of hashes) edge.push(hash, Number(tile.level) * TILE_HEIGHT);
    }
    if (!sameBytes(edge.root(), checkpoint.root)) {
      throw new LogError('inconsistent', `The tiles at the end of the log do not have the root of its checkpoint.`);
    }
    return tree;
  }

  /** Whether an earlier checkpoint, from here or from anywhere, has the same past. */
  async continues({ origin, size, root }: Checkpoint): Promise<boolean> {
    if (origin !== this.checkpoint.origin || size > this.checkpoint.size) return false;
    return sameBytes(await rootOf(this.hashes, size), root);
  }

  /** The leaves from `from` up to, not including, `to`, a bundle at a time. Rejects at the first that the root does not cover. */
  async *leaves(from: number, to: number): AsyncGenerator<LeafRun, void, undefined> {
    if (!(from >= 0 && from <= to && to <= this.checkpoint.size)) throw new RangeError('The log does not have these.');
    const ahead: Promise<LeafRun>[] = [];
    let next = Math.floor(from / TILE_WIDTH);
    const more = (): void => {
      if (next * TILE_WIDTH >= to) return;
      const bundle = this.#bundle(next);
      // It is thrown where it is awaited; who stops reading early doesn't want to hear of it.
      bundle.catch(() => undefined);
      ahead.push(bundle);
      next += 1;
    };
    for (let i = 0; i <= AHEAD; i += 1) more();
    for (let bundle = ahead.shift(); bundle !== undefined; bundle = ahead.shift()) {
      const { index, leaves } = await bundle;
      more();
      const first = Math.max(from, index);
      if (first < to) yield { index: first, leaves: leaves.slice(first - index, to - index) };
    }
  }

  /** Rejects as `leaves` does. */
  async leaf(index: number): Promise<Uint8Array> {
    const { leaves } = await this.#bundle(Math.floor(index / TILE_WIDTH));
    const leaf = leaves[index % TILE_WIDTH];
    if (leaf === undefined) throw new RangeError('The log does not have this leaf.');
    return leaf;
  }

  async #bundle(number: number): Promise<LeafRun> {
    const { maxEntryBytes = MAX_ENTRY_BYTES, hasher = PORTABLE } = this.#options;
    const tile = tileAt(0, number * TILE_WIDTH, this.checkpoint.size);
    if (tile === null) throw new RangeError('The log does not have these leaves.');
    const bundle: Tile = { ...tile, level: 'entries' };
    const [hashes, [bytes, width]] = await Promise.all([
      this.hashes.tile(tile),
      this.#fetch(bundle, maxBundleBytes(maxEntryBytes)),
    ]);
    const leaves = readEntries(bytes, width, maxEntryBytes)?.slice(0, bundle.width);
    if (leaves === undefined) throw malformed(bundle);
    leaves.forEach((leaf, i) => {
      if (!sameBytes(hasher.leaf(leaf), hashes[i] ?? new Uint8Array())) {
        throw new LogError('inconsistent', `Entry ${number * TILE_WIDTH + i} is not the one that the log signed.`);
      }
    });
    return { index: number * TILE_WIDTH, leaves };
  }

  async #load(tile: Tile): Promise<readonly Uint8Array[]> {
    const edge = this.#edge.get(tilePath(tile));
    if (edge !== undefined) return edge;
    const hashes = await this.#fetchTile(tile);
    const above = tileAt(Number(tile.level) + 1, tile.index, this.checkpoint.size);
    const known = above === null ? undefined : (await this.hashes.tile(above))[tile.index % TILE_WIDTH];
    const whole = new RightEdge(this.#options.hasher);
    for (const hash of hashes) whole.push(hash);
    if (known === undefined || !sameBytes(whole.root(), known)) {
      throw new LogError('inconsistent', `${tilePath(tile)} does not have the hash that the log signed.`);
    }
    return hashes;
  }

  async #fetchTile(tile: Tile): Promise<readonly Uint8Array[]> {
    const [bytes, width] = await this.#fetch(tile, MAX_TILE_BYTES);
    const hashes = tileHashes(bytes, width)?.slice(0, tile.width);
    if (hashes === undefined) throw malformed(tile);
    return hashes;
  }

  /** The file, and how many there are in it: a log may have only the full one by now. */
  async #fetch(tile: Tile, maxBytes: number): Promise<[Uint8Array, number]> {
    for (const width of new Set([tile.width, TILE_WIDTH])) {
      const bytes = await this.#options.fetch(tilePath({ ...tile, width }), maxBytes, this.#signal);
      // Whoever fetched it may have kept to no bound.
      if (bytes !== null && bytes.byteLength > maxBytes) throw malformed(tile);
      if (bytes !== null) return [bytes, width];
    }
    throw new LogError('missing', `The log does not serve ${tilePath(tile)}, which its checkpoint needs.`);
  }
}

function malformed(tile: Tile): LogError {
  return new LogError('malformed', `${tilePath(tile)} has not the form of a tile.`);
}
