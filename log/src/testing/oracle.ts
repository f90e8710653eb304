/** Trees as RFC 6962 §2.1 defines them, word for word and slowly, on another SHA-256 than the package's: what tests compare with. */
import { createHash } from 'node:crypto';

function sha256(...parts: (Uint8Array | number[])[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part instanceof Uint8Array ? part : Uint8Array.from(part));
  return new Uint8Array(hash.digest());
}

/** MTH(D[n]). */
export function treeHash(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256([0], leaves[0]!);
  const k = splitOf(leaves.length);
  return sha256([1], treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

/** PATH(m, D[n]). */
export function pathOf(m: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  const k = splitOf(leaves.length);
  return m < k
    ? [...pathOf(m, leaves.slice(0, k)), treeHash(leaves.slice(k))]
    : [...pathOf(m - k, leaves.slice(k)), treeHash(leaves.slice(0, k))];
}

/** PROOF(m, D[n]); `whole`: b of SUBPROOF. */
export function proofOf(m: number, leaves: readonly Uint8Array[], whole = true): Uint8Array[] {
  if (m === leaves.length) return whole ? [] : [treeHash(leaves)];
  const k = splitOf(leaves.length);
  return m <= k
    ? [...proofOf(m, leaves.slice(0, k), whole), treeHash(leaves.slice(k))]
    : [...proofOf(m - k, leaves.slice(k), false), treeHash(leaves.slice(0, k))];
}

function splitOf(n: number): number {
  let k = 1;
  while (2 * k < n) k *= 2;
  return k;
}
