/** Takes a file of the visitor's own into the store as an adapter, once it was found to be one. In a worker, as the page must not wait. */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ContentId } from '@llmesh/core/base/ids';
import type { Lora } from '@llmesh/core/gguf/lora';
import { notAnAdapter, plainName, readOwnLora } from '@llmesh/core/gguf/own-lora';
import { contentIdOf } from '@llmesh/core/models/content-id';
import { scriptHasher } from '@llmesh/core/models/hasher';
import { PIECE_BYTES } from '@llmesh/core/models/manifest';
import type { PieceStore } from '@llmesh/core/models/piece-store';
import { hashOfFile } from './web-hash.ts';

/** Whoever has the same bytes gives them the same name, so that all have the same content id. */
const ONLY_FILE = 'adapter.gguf';

export interface NewAdapter {
  content: ContentId;
  sha256: string;
  name: string;
  sizeBytes: number;
  lora: Lora;
}

/** Rejects with model_unreadable in words for people, or as the store does. `onProgress` gets shares from 0 to 1. */
export async function keepAdapter(
  store: PieceStore,
  { file, name: called }: { file: Blob; name: string },
  onProgress: (share: number) => void,
): Promise<NewAdapter> {
  const name = plainName(called);
  const { size: sizeBytes } = file;
  const read = async (from: number, to: number) => new Uint8Array(await file.slice(from, to).arrayBuffer());
  const lora = await readOwnLora({ name, sizeBytes, read }, (share) => onProgress(0.3 * share));
  const hashes = await hashOfFile(file, new AbortController().signal);
  onProgress(0.7);
  const only = { path: ONLY_FILE, sizeBytes, sha256: hashes.sha256, root: hashes.root };
  const manifest = { format: 'adapter' as const, files: [only] };
  const content = contentIdOf(manifest, scriptHasher);
  const stored = await store.begin(content, manifest);
  try {
    if (!stored.pieces.full) await stored.keepLayer(0, hashes.layer);
    for (let piece = 0; piece < stored.pieces.size; piece++) {
      if (stored.pieces.has(piece)) continue;
      const from = piece * PIECE_BYTES;
      const isRight = await stored.write(piece, await read(from, Math.min(sizeBytes, from + PIECE_BYTES)));
      if (!isRight) throw notAnAdapter(name, 'changed while it was read. Choose it again.');
      onProgress(0.7 + (0.3 * (piece + 1)) / stored.pieces.size);
    }
    await stored.complete();
  } finally {
    await stored.close();
  }
  return { content, sha256: bytesToHex(hashes.sha256), name: plainName(lora.name) || name, sizeBytes, lora };
}
