/**
 * The Merkle tree of one file, as BEP 52 ("The BitTorrent Protocol Specification v2", "pieces root") builds it: SHA-256 over
 * leaves of 16 KiB, in a binary tree; leaves that are missing to the next power of two are 32 zero bytes. The piece layer has
 * one hash for each piece; a file that fits in one piece has none in BEP 52, and here its root.
 */
import { HASH_BYTES, LEAF_BYTES, PIECE_BYTES } from './manifest.ts';
import type { Hasher } from './hasher.ts';

const LEAVES = PIECE_BYTES / LEAF_BYTES;

export interface FileTree {
  root: Uint8Array;
  /** The hashes of the pieces, one after another. */
  layer: Uint8Array<ArrayBuffer>;
}

/** How many pieces a file of this size has; none is empty. */
export function piecesIn(sizeBytes: number): number {
  return Math.ceil(sizeBytes / PIECE_BYTES);
}

/**
 * The hash of one piece. `fileBytes`: the size of its file, since the tree of a file that fits in one piece is only as high as
 * it has to be, and all others' pieces are padded to the full height.
 */
export function pieceHash(bytes: Uint8Array, fileBytes: number, hasher: Hasher): Uint8Array {
  const used = Math.ceil(bytes.byteLength / LEAF_BYTES);
  const hashes = new Uint8Array(used * HASH_BYTES);
  for (let leaf = 0; leaf < used; leaf++) {
    hashes.set(hasher.sha256(bytes.subarray(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES)), leaf * HASH_BYTES);
  }
  return pieceHashOf(hashes, fileBytes, hasher);
}

/** The same for a host that has hashed the piece's leaves itself: `leafHashes` has 32 bytes for each, in order. */
export function pieceHashOf(leafHashes: Uint8Array, fileBytes: number, hasher: Hasher): Uint8Array {
  const leaves = fileBytes > PIECE_BYTES ? LEAVES : powerOfTwo(leafHashes.byteLength / HASH_BYTES);
  const hashes = new Uint8Array(leaves * HASH_BYTES);
  hashes.set(leafHashes);
  return fold(hashes, leaves, hasher);
}

/** The root over the hashes of all pieces of a file: `layer` has 32 bytes for each. */
export function rootOf(layer: Uint8Array, hasher: Hasher): Uint8Array {
  const pieces = layer.byteLength / HASH_BYTES;
  if (pieces === 1) return layer.slice();
  const width = powerOfTwo(pieces);
  const hashes = new Uint8Array(width * HASH_BYTES);
  hashes.set(layer);
  const nothing = emptyPiece(hasher);
  for (let piece = pieces; piece < width; piece++) hashes.set(nothing, piece * HASH_BYTES);
  return fold(hashes, width, hasher);
}

/** The hash of a piece that lies wholly behind the end of its file. */
function emptyPiece(hasher: Hasher): Uint8Array {
  return fold(new Uint8Array(LEAVES * HASH_BYTES), LEAVES, hasher);
}

/** Overwrites `hashes`, a power of two of them, with the levels above, up to the one hash that it returns. */
function fold(hashes: Uint8Array, count: number, hasher: Hasher): Uint8Array {
  for (let width = count; width > 1; width /= 2) {
    for (let i = 0; i < width / 2; i++) {
      hashes.set(hasher.sha256(hashes.subarray(2 * i * HASH_BYTES, (2 * i + 2) * HASH_BYTES)), i * HASH_BYTES);
    }
  }
  return hashes.slice(0, HASH_BYTES);
}

function powerOfTwo(atLeast: number): number {
  let power = 1;
  while (power < atLeast) power *= 2;
  return power;
}
