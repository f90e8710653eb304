/** Hashing with the browser's own SHA-256: five to ten times as fast as in JavaScript, and it computes beside it. */
import { HASH_BYTES, LEAF_BYTES, PIECE_BYTES } from '@llmesh/core/models/manifest';
import { scriptHasher } from '@llmesh/core/models/hasher';
import { pieceHashOf, rootOf } from '@llmesh/core/models/merkle';

/** As `pieceHash` of core, which says what the numbers mean. All leaves are hashed at once. */
export async function hashOfPiece(bytes: Uint8Array<ArrayBuffer>, fileBytes: number): Promise<Uint8Array> {
  const leaves: Promise<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.byteLength; at += LEAF_BYTES) {
    leaves.push(crypto.subtle.digest('SHA-256', bytes.subarray(at, at + LEAF_BYTES)));
  }
  const hashes = new Uint8Array(leaves.length * HASH_BYTES);
  for (const [i, hash] of (await Promise.all(leaves)).entries()) hashes.set(new Uint8Array(hash), i * HASH_BYTES);
  return pieceHashOf(hashes, fileBytes, scriptHasher);
}

export interface FileHashes {
  sha256: Uint8Array;
  root: Uint8Array;
  /** The hashes of its pieces. */
  layer: Uint8Array<ArrayBuffer>;
}

/**
 * Reads a file once, a piece at a time; `onProgress` gets shares from 0 to 1. Rejects when `signal` aborts, and with what reading
 * rejects with.
 */
export async function hashOfFile(
  file: Blob,
  signal: AbortSignal,
  onProgress: (share: number) => void = () => {},
): Promise<FileHashes> {
  const whole = scriptHasher.stream();
  const layer = new Uint8Array(Math.ceil(file.size / PIECE_BYTES) * HASH_BYTES);
  for (let piece = 0; piece * PIECE_BYTES < file.size; piece++) {
    signal.throwIfAborted();
    const part = file.slice(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES);
    const bytes = new Uint8Array(await part.arrayBuffer());
    const hashed = hashOfPiece(bytes, file.size);
    // Meanwhile the browser hashes its leaves.
    whole.update(bytes);
    layer.set(await hashed, piece * HASH_BYTES);
    onProgress(Math.min(1, ((piece + 1) * PIECE_BYTES) / file.size));
  }
  return { sha256: whole.digest(), root: rootOf(layer, scriptHasher), layer };
}
