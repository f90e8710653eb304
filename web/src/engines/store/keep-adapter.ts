/**
 * Takes a file of the visitor's own into the store as an adapter, once it was found to be one: its head is read within bounds,
 * and all its numbers are looked at, before anything is written. In a worker, as the page must not wait for it.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ContentId } from '@llmesh/core/base/ids';
import { MAX_BROUGHT_BYTES, readLora, spoiltTensor, type Lora } from '@llmesh/core/gguf/lora';
import type { PieceStore } from '@llmesh/core/models/piece-store';
import { bytesOf, headerOf, keepWhole, plainName, refused } from './own-file.ts';

const ONLY_FILE = { format: 'adapter', path: 'adapter.gguf' } as const;
const CONVERT = 'Adapters are GGUF files here: convert it with convert_lora_to_gguf.py of llama.cpp.';

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
  const own = { file, name: plainName(called) };
  const { name } = own;
  const { size: sizeBytes } = file;
  if (sizeBytes === 0) throw refused(name, 'is empty.');
  if (sizeBytes > MAX_BROUGHT_BYTES) {
    const has = Math.ceil(sizeBytes / 1e6).toLocaleString('en');
    throw refused(
      name,
      `has ${has} MB, and an adapter may have 50 MB. Train it with a lower rank, or convert it with --outtype q8_0.`,
    );
  }
  const header = await headerOf(own, CONVERT);
  const lora = readLora(header);
  if (typeof lora === 'string') throw refused(name, lora);
  let seen = 0;
  const spoilt = await spoiltTensor(header.tensors, (from, to) => {
    seen += to - from;
    onProgress((0.3 * seen) / sizeBytes);
    return bytesOf(own, from, to);
  });
  if (spoilt !== null) throw refused(name, `has numbers in it that are none (${spoilt}). Train or convert it again.`);
  const { content, sha256 } = await keepWhole(store, own, ONLY_FILE, (share) => onProgress(0.3 + 0.7 * share));
  return { content, sha256: bytesToHex(sha256), name: plainName(lora.name) || name, sizeBytes, lora };
}
