/**
 * The proof that 16 KiB are a part of a file, for whoever knows no more of the file than its size and the root of its tree (BEP 52):
 * the hashes beside the way from the leaf up to the root.
 */
import { HASH_BYTES, LEAF_BYTES, PIECE_BYTES } from './manifest.ts';
import type { Hasher } from './hasher.ts';

const LEAVES = PIECE_BYTES / LEAF_BYTES;

/** How many leaves a file of this size has; none is empty. */
export function leavesIn(fileBytes: number): number {
  return Math.ceil(fileBytes / LEAF_BYTES);
}

/** How many hashes the path of each leaf has, in a file of this size. */
export function pathLength(fileBytes: number): number {
  const leaves = leavesIn(fileBytes);
  // Pieces of a file that has several are padded to their full height.
  return Math.ceil(Math.log2(fileBytes > PIECE_BYTES ? Math.ceil(leaves / LEAVES) * LEAVES : leaves));
}

export interface LeafProof {
  bytes: Uint8Array<ArrayBuffer>;
  /** Hashes of 32 bytes, from the leaf's neighbour up. */
  path: Uint8Array<ArrayBuffer>;
}

/**
 * `piece`: the bytes of the piece that has it; `layer`: the hashes of all pieces of its file. Throws a RangeError where there is no
 * such leaf.
 */
export function proveLeaf(
  { piece, layer, fileBytes }: { piece: Uint8Array; layer: Uint8Array; fileBytes: number },
  leaf: number,
  hasher: Hasher,
): LeafProof {
  const inPiece = leaf % LEAVES;
  const bytes = piece.slice(inPiece * LEAF_BYTES, (inPiece + 1) * LEAF_BYTES);
  if (bytes.byteLength === 0) throw new RangeError(`There is no leaf ${leaf}.`);
  const path: Uint8Array[] = [];
  const used = leavesIn(piece.byteLength);
  const width = fileBytes > PIECE_BYTES ? LEAVES : powerOfTwo(used);
  const nothing = new Uint8Array(HASH_BYTES);
  const leaves = Array.from({ length: width }, (_, i) =>
    i < used ? hasher.sha256(piece.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES)) : nothing,
  );
  climb(leaves, inPiece, path, hasher);
  if (fileBytes > PIECE_BYTES) {
    const pieces = layer.byteLength / HASH_BYTES;
    const [empty] = climb(
      Array.from({ length: LEAVES }, () => nothing),
      0,
      [],
      hasher,
    );
    const hashes = Array.from({ length: powerOfTwo(pieces) }, (_, i) =>
      i < pieces ? layer.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES) : empty!,
    );
    climb(hashes, Math.floor(leaf / LEAVES), path, hasher);
  }
  const joined = new Uint8Array(path.length * HASH_BYTES);
  for (const [i, hash] of path.entries()) joined.set(hash, i * HASH_BYTES);
  return { bytes, path: joined };
}

/** Whether these are the bytes of this leaf, of a file of this size with this root. `bytes` and `path` may be a stranger's. */
export function isLeaf(
  { root, fileBytes }: { root: Uint8Array; fileBytes: number },
  leaf: number,
  { bytes, path }: Pick<LeafProof, 'bytes' | 'path'>,
  hasher: Hasher,
): boolean {
  const size = Math.min(LEAF_BYTES, fileBytes - leaf * LEAF_BYTES);
  if (bytes.byteLength !== size || path.byteLength !== pathLength(fileBytes) * HASH_BYTES) return false;
  let hash = hasher.sha256(bytes);
  let place = leaf;
  const pair = new Uint8Array(2 * HASH_BYTES);
  for (let at = 0; at < path.byteLength; at += HASH_BYTES) {
    const beside = path.subarray(at, at + HASH_BYTES);
    pair.set(place % 2 === 0 ? hash : beside, 0);
    pair.set(place % 2 === 0 ? beside : hash, HASH_BYTES);
    hash = hasher.sha256(pair);
    place = Math.floor(place / 2);
  }
  return hash.every((byte, i) => byte === root[i]);
}

/** From a power of two of hashes up to the one above them all, noting what lies beside the way from `from`. */
function climb(hashes: readonly Uint8Array[], from: number, path: Uint8Array[], hasher: Hasher): readonly Uint8Array[] {
  let [level, place] = [hashes, from];
  const pair = new Uint8Array(2 * HASH_BYTES);
  while (level.length > 1) {
    path.push(level[place % 2 === 0 ? place + 1 : place - 1]!);
    place = Math.floor(place / 2);
    level = Array.from({ length: level.length / 2 }, (_, i) => {
      pair.set(level[2 * i]!, 0);
      pair.set(level[2 * i + 1]!, HASH_BYTES);
      return hasher.sha256(pair);
    });
  }
  return level;
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(atLeast));
}
