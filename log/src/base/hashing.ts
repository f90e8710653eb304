/** The hashes of a Merkle tree, RFC 6962 §2.1. */
import { sha256 } from '@noble/hashes/sha2.js';

export const HASH_BYTES = 32;
/** The hash of a tree without leaves: that of nothing at all. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array());

/** Whoever hashes millions of leaves brings a faster SHA-256: `node/hasher.ts`. */
export interface TreeHasher {
  leaf(leaf: Uint8Array): Uint8Array;
  node(left: Uint8Array, right: Uint8Array): Uint8Array;
}

/** A hasher on any SHA-256 that does not keep what it was given. */
export function hasherOf(digest: (bytes: Uint8Array) => Uint8Array): TreeHasher {
  const pair = new Uint8Array(1 + 2 * HASH_BYTES);
  pair[0] = 1;
  // It is used again and again: making one for each leaf takes longer than hashing it.
  let marked = new Uint8Array(1_024);
  return {
    leaf: (leaf) => {
      if (leaf.byteLength >= marked.byteLength) marked = new Uint8Array(2 * leaf.byteLength);
      marked.set(leaf, 1);
      return digest(marked.subarray(0, 1 + leaf.byteLength));
    },
    node: (left, right) => {
      pair.set(left, 1);
      pair.set(right, 1 + HASH_BYTES);
      return digest(pair);
    },
  };
}

/** It runs everywhere. */
export const PORTABLE: TreeHasher = hasherOf(sha256);

/** SHA-256(0x00 ‖ leaf). */
export function leafHash(leaf: Uint8Array): Uint8Array {
  return PORTABLE.leaf(leaf);
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return PORTABLE.node(left, right);
}

/** Hashes are public, so it does not matter how long this takes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  for (let i = 0; i < a.byteLength; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
