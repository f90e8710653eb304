/** A file of the visitor's own on its way into the store: written whole or not at all. */
import { refused, type OwnFile } from '@llmesh/core/gguf/own-file';
import type { ContentId } from '@llmesh/core/base/ids';
import { contentIdOf } from '@llmesh/core/models/content-id';
import { scriptHasher } from '@llmesh/core/models/hasher';
import { PIECE_BYTES, type Manifest } from '@llmesh/core/models/manifest';
import type { PieceStore } from '@llmesh/core/models/piece-store';
import { hashOfFile } from './web-hash.ts';

export interface ChosenFile extends OwnFile {
  file: Blob;
  read: (from: number, to: number) => Promise<Uint8Array<ArrayBuffer>>;
}

export interface Whole {
  content: ContentId;
  sha256: Uint8Array;
}

/** `name`: as it is safe to show. */
export function chosenFile(file: Blob, name: string): ChosenFile {
  const read = async (from: number, to: number) => new Uint8Array(await file.slice(from, to).arrayBuffer());
  return { file, name, sizeBytes: file.size, read };
}

/**
 * Hashes the file and writes it into the store. `path`: whoever has the same bytes gives them the same, so that all have the same
 * content id. Rejects with model_unreadable where the file changes meanwhile, or as the store does.
 */
export async function keepWhole(
  store: PieceStore,
  { file, name, sizeBytes, read }: ChosenFile,
  { format, path }: { format: Manifest['format']; path: string },
  onProgress: (share: number) => void,
): Promise<Whole> {
  const hashes = await hashOfFile(file, new AbortController().signal, (share) => onProgress(share / 2));
  const manifest = { format, files: [{ path, sizeBytes, sha256: hashes.sha256, root: hashes.root }] };
  const content = contentIdOf(manifest, scriptHasher);
  const stored = await store.begin(content, manifest);
  try {
    if (!stored.pieces.full) await stored.keepLayer(0, hashes.layer);
    for (let piece = 0; piece < stored.pieces.size; piece++) {
      if (stored.pieces.has(piece)) continue;
      const from = piece * PIECE_BYTES;
      const isRight = await stored.write(piece, await read(from, Math.min(sizeBytes, from + PIECE_BYTES)));
      if (!isRight) throw refused(name, 'changed while it was read. Choose it again.');
      onProgress(0.5 + (0.5 * (piece + 1)) / stored.pieces.size);
    }
    await stored.complete();
  } finally {
    await stored.close();
  }
  return { content, sha256: hashes.sha256 };
}
