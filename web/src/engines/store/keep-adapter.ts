/** Takes a file of the visitor's own into the store as an adapter, once it was found to be one. In a worker, as the page must not wait. */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ContentId } from '@llmesh/core/base/ids';
import type { Lora } from '@llmesh/core/gguf/lora';
import { plainName } from '@llmesh/core/gguf/own-file';
import { readOwnLora } from '@llmesh/core/gguf/own-lora';
import type { PieceStore } from '@llmesh/core/models/piece-store';
import { chosenFile, keepWhole } from './own-file.ts';

const ONLY_FILE = { format: 'adapter', path: 'adapter.gguf' } as const;

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
  const own = chosenFile(file, plainName(called));
  const lora = await readOwnLora(own, (share) => onProgress(0.3 * share));
  const { content, sha256 } = await keepWhole(store, own, ONLY_FILE, (share) => onProgress(0.3 + 0.7 * share));
  const name = plainName(lora.name) || own.name;
  return { content, sha256: bytesToHex(sha256), name, sizeBytes: own.sizeBytes, lora };
}
