/** Proofs that a leaf is in a tree, and that a tree continues an earlier one: RFC 6962 §2.1, checked as in RFC 9162 §2.1. */
import { EMPTY_ROOT, PORTABLE, sameBytes, type TreeHasher } from '../base/hashing.ts';

/** The most hashes of any proof: a tree of 2^53 leaves has 53 levels, and a proof of consistency one hash more. */
export const MAX_PROOF_HASHES = 63;

/** `hash`: that of the leaf. */
export interface Inclusion {
  readonly index: number;
  readonly size: number;
  readonly hash: Uint8Array;
  readonly root: Uint8Array;
}

export interface Consistency {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly size: number;
  readonly root: Uint8Array;
}

/** Whether this leaf is at this place of this tree. */
export function provesInclusion(
  proof: readonly Uint8Array[],
  { index, size, hash, root }: Inclusion,
  hasher: TreeHasher = PORTABLE,
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || proof.length > MAX_PROOF_HASHES) return false;
  let [at, last, found] = [index, size - 1, hash];
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      found = hasher.node(sibling, found);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else found = hasher.node(found, sibling);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && sameBytes(found, root);
}

/** Whether the tree begins with all that was in the old one. */
export function provesConsistency(
  proof: readonly Uint8Array[],
  { oldSize, oldRoot, size, root }: Consistency,
  hasher: TreeHasher = PORTABLE,
): boolean {
  if (!isCount(oldSize) || !isCount(size) || oldSize > size || proof.length > MAX_PROOF_HASHES) return false;
  if (oldSize === size) return proof.length === 0 && sameBytes(oldRoot, root);
  // Any tree continues the empty one.
  if (oldSize === 0) return proof.length === 0 && sameBytes(oldRoot, EMPTY_ROOT);
  let [at, last] = [oldSize - 1, size - 1];
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  // A complete tree is a node of the new one: its root is known, and not in the proof.
  const [first, ...rest] = at === 0 ? [oldRoot, ...proof] : proof;
  if (first === undefined) return false;
  let [before, after] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      before = hasher.node(sibling, before);
      after = hasher.node(sibling, after);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else after = hasher.node(after, sibling);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && sameBytes(before, oldRoot) && sameBytes(after, root);
}

/** The hash over 2^level leaves, from leaf `index` · 2^level on. */
export interface SubtreeHashes {
  readonly hasher: TreeHasher;
  hash(level: number, index: number): Promise<Uint8Array>;
}

/** PATH of RFC 6962 §2.1.1: that leaf `index` is in the tree of `size` leaves. */
export async function inclusionProof(hashes: SubtreeHashes, index: number, size: number): Promise<Uint8Array[]> {
  if (!isCount(index) || !isCount(size) || index >= size) throw new RangeError('The tree does not have this leaf.');
  const siblings: Promise<Uint8Array>[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      siblings.push(rangeHash(hashes, middle, to));
      to = middle;
    } else {
      siblings.push(rangeHash(hashes, from, middle));
      from = middle;
    }
  }
  return (await Promise.all(siblings)).reverse();
}

/** PROOF of RFC 6962 §2.1.2: that the tree of `size` leaves continues that of `oldSize`. */
export async function consistencyProof(hashes: SubtreeHashes, oldSize: number, size: number): Promise<Uint8Array[]> {
  if (!isCount(oldSize) || !isCount(size) || oldSize > size) throw new RangeError('No tree continues a larger one.');
  if (oldSize === 0 || oldSize === size) return [];
  const nodes: Promise<Uint8Array>[] = [];
  let [from, to] = [0, size];
  while (to !== oldSize) {
    const middle = from + splitOf(to - from);
    if (oldSize <= middle) {
      nodes.push(rangeHash(hashes, middle, to));
      to = middle;
    } else {
      nodes.push(rangeHash(hashes, from, middle));
      from = middle;
    }
  }
  // The old tree as a whole is known to whoever checks; a part of it is not.
  if (from > 0) nodes.push(rangeHash(hashes, from, to));
  return (await Promise.all(nodes)).reverse();
}

/** The root of the tree of the first `size` leaves. */
export function rootOf(hashes: SubtreeHashes, size: number): Promise<Uint8Array> {
  return size === 0 ? Promise.resolve(EMPTY_ROOT) : rangeHash(hashes, 0, size);
}

/** MTH(D[from:to]). `from` is where a subtree of that size can begin. */
async function rangeHash(hashes: SubtreeHashes, from: number, to: number): Promise<Uint8Array> {
  const parts: Promise<Uint8Array>[] = [];
  let at = from;
  while (at < to) {
    const level = levelsBelow(to - at);
    parts.push(hashes.hash(level, at / 2 ** level));
    at += 2 ** level;
  }
  const complete = await Promise.all(parts);
  return complete.reduceRight((right, left) => hashes.hasher.node(left, right));
}

/** The largest power of two below `count`, which is at least 2. */
function splitOf(count: number): number {
  return 2 ** levelsBelow(count - 1);
}

/** The largest whole n with 2^n ≤ count: exact, which logarithms are not near 2^53. */
function levelsBelow(count: number): number {
  return count < 2 ** 32 ? 31 - Math.clz32(count) : 63 - Math.clz32(Math.floor(count / 2 ** 32));
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}

function half(value: number): number {
  return Math.floor(value / 2);
}
