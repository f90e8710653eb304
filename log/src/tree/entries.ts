/** A bundle of entries, C2SP tlog-tiles: each leaf after its length, which is a big-endian uint16. */
import { TILE_WIDTH } from './tile.ts';

/** The format has no room for more. */
export const MAX_ENTRY_BYTES = 65_535;
const LENGTH_BYTES = 2;

/** The longest bundle, where no leaf is longer than `maxEntryBytes`. */
export function maxBundleBytes(maxEntryBytes: number): number {
  return TILE_WIDTH * (LENGTH_BYTES + maxEntryBytes);
}

/** Throws for a leaf that is too long for the format. */
export function checkEntry(leaf: Uint8Array): void {
  if (leaf.byteLength > MAX_ENTRY_BYTES) throw new RangeError(`A leaf has at most ${MAX_ENTRY_BYTES} bytes.`);
}

/** Throws as `checkEntry` does. */
export function writeEntries(leaves: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const leaf of leaves) {
    checkEntry(leaf);
    length += LENGTH_BYTES + leaf.byteLength;
  }
  const bundle = new Uint8Array(length);
  let at = 0;
  for (const leaf of leaves) {
    bundle[at] = leaf.byteLength >> 8;
    bundle[at + 1] = leaf.byteLength & 0xff;
    bundle.set(leaf, at + LENGTH_BYTES);
    at += LENGTH_BYTES + leaf.byteLength;
  }
  return bundle;
}

/** The leaves of a bundle, as parts of `bytes`. Null: they are not exactly `width`, or one is longer than allowed. */
export function readEntries(bytes: Uint8Array, width: number, maxEntryBytes = MAX_ENTRY_BYTES): Uint8Array[] | null {
  const leaves: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.byteLength && leaves.length < width) {
    const [high, low] = [bytes[at], bytes[at + 1]];
    if (high === undefined || low === undefined) return null;
    const from = at + LENGTH_BYTES;
    at = from + high * 256 + low;
    if (at > bytes.byteLength || at - from > maxEntryBytes) return null;
    leaves.push(bytes.subarray(from, at));
  }
  return at === bytes.byteLength && leaves.length === width ? leaves : null;
}
