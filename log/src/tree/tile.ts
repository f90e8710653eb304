/** Where the hashes and entries of a log lie, C2SP tlog-tiles: 256 a tile, each tile a file. */
import { readDecimal } from '../base/decimal.ts';
import { HASH_BYTES } from '../base/hashing.ts';

export const TILE_WIDTH = 256;
/** Tree levels that one level of tiles spans. */
export const TILE_HEIGHT = 8;
/** The most levels of tiles that a tree of 2^53 leaves has. */
export const MAX_TILE_LEVELS = 7;
export const MAX_TILE_BYTES = TILE_WIDTH * HASH_BYTES;
const MAX_PATH_CHARS = 64;
const PATH = /^tile\/(entries|\d|[1-5]\d|6[0-3])\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** `level` 'entries': the leaves themselves. `width`: less than 256 for one that is not full yet. */
export interface Tile {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** As in `tile/0/x001/x234/067` and `tile/entries/000.p/17`, below the log's address. */
export function tilePath({ level, index, width }: Tile): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const parts = padded.match(/\d{3}/g) ?? [];
  const place = parts.map((part, i) => (i < parts.length - 1 ? `x${part}` : part)).join('/');
  return `tile/${level}/${place}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** Null: nothing can lie at this path; each tile has one path only. */
export function readTilePath(path: string): Tile | null {
  const [, level, place, width] = (path.length <= MAX_PATH_CHARS ? PATH.exec(path) : null) ?? [];
  if (level === undefined || place === undefined) return null;
  const index = readDecimal(place.replaceAll(/[x/]/g, '').replace(/^0+(?=\d)/, ''));
  if (index === null) return null;
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index,
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  return tilePath(tile) === path && tile.width <= TILE_WIDTH ? tile : null;
}

/** Where a tree of `size` leaves has the hash number `position` of this level of tiles; null: it has none there. */
export function tileAt(level: number | 'entries', position: number, size: number): Tile | null {
  const count = level === 'entries' ? size : Math.floor(size / TILE_WIDTH ** level);
  if (position < 0 || position >= count) return null;
  const index = Math.floor(position / TILE_WIDTH);
  return { level, index, width: Math.min(TILE_WIDTH, count - index * TILE_WIDTH) };
}

/** The tiles of a tree of `size` leaves that are not full, one a level at most, from the leaves up: its right edge. */
export function edgeTiles(size: number): Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0; level < MAX_TILE_LEVELS; level += 1) {
    const count = Math.floor(size / TILE_WIDTH ** level);
    const width = count % TILE_WIDTH;
    if (width > 0) tiles.push({ level, index: Math.floor(count / TILE_WIDTH), width });
  }
  return tiles;
}

/** The hashes in a tile. Null: it is not as long as a tile of this width. */
export function tileHashes(bytes: Uint8Array, width: number): Uint8Array[] | null {
  if (bytes.byteLength !== width * HASH_BYTES) return null;
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}
