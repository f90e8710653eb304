/**
 * Looks at a file that somebody wants to bring along as an adapter, before anything of it is kept or sent: its head is read within
 * bounds, and all its numbers are looked at. The same on a page and in a program.
 */
import { MeshError } from '../base/errors.ts';
import { readGgufHeader, type GgufHeader } from './gguf-header.ts';
import { GgufFault } from './gguf-reader.ts';
import { MAX_BROUGHT_BYTES, readLora, spoiltTensor, type Lora } from './lora.ts';

const MAX_NAME = 60;
const CONVERT = 'Adapters are GGUF files here: convert it with convert_lora_to_gguf.py of llama.cpp.';
/** The beginnings of files that people take for one. */
const OTHERS: readonly [starts: (head: Uint8Array) => boolean, is: string][] = [
  [(head) => head[0] === 0x50 && head[1] === 0x4b, 'is an archive, or a file of PyTorch.'],
  [(head) => head[8] === 0x7b && head[9] === 0x22, 'is a safetensors file.'],
  [(head) => head[0] === 0x80 && (head[1] ?? 0) < 6, 'is a file of PyTorch.'],
  [(head) => head[0] === 0x7b || head[0] === 0x5b, 'is a file of settings.'],
];

export interface LoraFile {
  /** As people call it, for messages: see `plainName`. */
  name: string;
  sizeBytes: number;
  /** These bytes of it, `to` exclusive. */
  read: (from: number, to: number) => Promise<Uint8Array>;
}

/** Rejects with model_unreadable in words for people, or as `read` does. `onProgress` gets shares from 0 to 1. */
export async function readOwnLora(
  { name, sizeBytes, read }: LoraFile,
  onProgress: (share: number) => void = () => {},
): Promise<Lora> {
  if (sizeBytes === 0) throw notAnAdapter(name, 'is empty.');
  if (sizeBytes > MAX_BROUGHT_BYTES) {
    const has = Math.ceil(sizeBytes / 1e6).toLocaleString('en');
    throw notAnAdapter(
      name,
      `has ${has} MB, and an adapter may have 50 MB. Train it with a lower rank, or convert it with --outtype q8_0.`,
    );
  }
  const header = await headerOf({ name, sizeBytes, read });
  const lora = readLora(header);
  if (typeof lora === 'string') throw notAnAdapter(name, lora);
  let seen = 0;
  const spoilt = await spoiltTensor(header.tensors, (from, to) => {
    seen += to - from;
    onProgress(seen / sizeBytes);
    return read(from, to);
  });
  if (spoilt === null) return lora;
  throw notAnAdapter(name, `has numbers in it that are none (${spoilt}). Train or convert it again.`);
}

/** What a stranger called a file, as it is safe to show: no folders, nothing that turns or hides text. */
export function plainName(called: string): string {
  const last = called.split(/[/\\]/).at(-1) ?? '';
  const shown = last.replace(/\.gguf$/i, '').replace(/[^\p{L}\p{M}\p{N}\p{P}\p{Zs}\p{So}]/gu, '');
  return Array.from(shown.trim()).slice(0, MAX_NAME).join('');
}

/** `why`: the end of a sentence that the name begins, and what to do. */
export function notAnAdapter(name: string, why: string): MeshError {
  return new MeshError('model_unreadable', `${name || 'This file'} ${why}`);
}

async function headerOf({ name, sizeBytes, read }: LoraFile): Promise<GgufHeader> {
  const head = await read(0, Math.min(16, sizeBytes));
  if (new TextDecoder().decode(head.subarray(0, 4)) !== 'GGUF') {
    const [, is = 'is not a GGUF file.'] = OTHERS.find(([starts]) => starts(head)) ?? [];
    throw notAnAdapter(name, `${is} ${CONVERT}`);
  }
  try {
    return await readGgufHeader({ sizeBytes, head: (length) => read(0, length) });
  } catch (thrown) {
    if (!(thrown instanceof GgufFault)) throw thrown;
    throw notAnAdapter(name, `cannot be read. ${thrown.what} Download or convert it again.`);
  }
}
