/** Looks at a file that somebody wants to bring along as an adapter: its head, and all its numbers. */
import { MAX_BROUGHT_BYTES, readLora, spoiltTensor, type Lora } from './lora.ts';
import { headerOf, refused, type OwnFile } from './own-file.ts';

const CONVERT = 'Adapters are GGUF files here: convert it with convert_lora_to_gguf.py of llama.cpp.';

/** Rejects with model_unreadable in words for people, or as the file's `read` does. `onProgress` gets shares from 0 to 1. */
export async function readOwnLora(own: OwnFile, onProgress: (share: number) => void = () => {}): Promise<Lora> {
  const { name, sizeBytes, read } = own;
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
    onProgress(seen / sizeBytes);
    return read(from, to);
  });
  if (spoilt === null) return lora;
  throw refused(name, `has numbers in it that are none (${spoilt}). Train or convert it again.`);
}
