/**
 * Takes a file of the visitor's own into the store as an adapter, once it was found to be one: its head is read within bounds,
 * and all its numbers are looked at, before anything is written. In a worker, as the page must not wait for it.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import { readGgufHeader, type GgufHeader } from '@llmesh/core/gguf/gguf-header';
import { GgufFault } from '@llmesh/core/gguf/gguf-reader';
import { MAX_BROUGHT_BYTES, readLora, spoiltTensor, type Lora } from '@llmesh/core/gguf/lora';
import { contentIdOf } from '@llmesh/core/models/content-id';
import { scriptHasher } from '@llmesh/core/models/hasher';
import { PIECE_BYTES } from '@llmesh/core/models/manifest';
import type { PieceStore } from '@llmesh/core/models/piece-store';
import { hashOfFile } from './web-hash.ts';

/** Whoever has the same bytes gives them the same name, so that all have the same content id. */
const ONLY_FILE = 'adapter.gguf';
const MAX_NAME = 60;
const CONVERT = 'Adapters are GGUF files here: convert it with convert_lora_to_gguf.py of llama.cpp.';
/** The beginnings of files that people take for one. */
const OTHERS: readonly [starts: (head: Uint8Array) => boolean, is: string][] = [
  [(head) => head[0] === 0x50 && head[1] === 0x4b, 'is an archive, or a file of PyTorch.'],
  [(head) => head[8] === 0x7b && head[9] === 0x22, 'is a safetensors file.'],
  [(head) => head[0] === 0x80 && (head[1] ?? 0) < 6, 'is a file of PyTorch.'],
  [(head) => head[0] === 0x7b || head[0] === 0x5b, 'is a file of settings.'],
];

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
  if (sizeBytes === 0) throw refused(name, 'is empty.');
  if (sizeBytes > MAX_BROUGHT_BYTES) {
    const has = Math.ceil(sizeBytes / 1e6).toLocaleString('en');
    throw refused(
      name,
      `has ${has} MB, and an adapter may have 50 MB. Train it with a lower rank, or convert it with --outtype q8_0.`,
    );
  }
  const bytesOf = async (from: number, to: number) => new Uint8Array(await file.slice(from, to).arrayBuffer());
  const header = await headerOf(name, sizeBytes, bytesOf);
  const lora = readLora(header);
  if (typeof lora === 'string') throw refused(name, lora);
  let seen = 0;
  const spoilt = await spoiltTensor(header.tensors, (from, to) => {
    seen += to - from;
    onProgress((0.3 * seen) / sizeBytes);
    return bytesOf(from, to);
  });
  if (spoilt !== null) throw refused(name, `has numbers in it that are none (${spoilt}). Train or convert it again.`);
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
      const isRight = await stored.write(piece, await bytesOf(from, Math.min(sizeBytes, from + PIECE_BYTES)));
      if (!isRight) throw refused(name, 'changed while it was read. Choose it again.');
      onProgress(0.7 + (0.3 * (piece + 1)) / stored.pieces.size);
    }
    await stored.complete();
  } finally {
    await stored.close();
  }
  return { content, sha256: bytesToHex(hashes.sha256), name: plainName(lora.name) || name, sizeBytes, lora };
}

async function headerOf(
  name: string,
  sizeBytes: number,
  bytesOf: (from: number, to: number) => Promise<Uint8Array>,
): Promise<GgufHeader> {
  const head = await bytesOf(0, Math.min(16, sizeBytes));
  if (new TextDecoder().decode(head.subarray(0, 4)) !== 'GGUF') {
    const [, is = 'is not a GGUF file.'] = OTHERS.find(([starts]) => starts(head)) ?? [];
    throw refused(name, `${is} ${CONVERT}`);
  }
  try {
    return await readGgufHeader({ sizeBytes, head: (length) => bytesOf(0, length) });
  } catch (thrown) {
    if (!(thrown instanceof GgufFault)) throw thrown;
    throw refused(name, `cannot be read. ${thrown.what} Download or convert it again.`);
  }
}

/** What a stranger called a file, as it is safe to show: no folders, nothing that turns or hides text. */
export function plainName(called: string): string {
  const last = called.split(/[/\\]/).at(-1) ?? '';
  const shown = last.replace(/\.gguf$/i, '').replace(/[^\p{L}\p{M}\p{N}\p{P}\p{Zs}\p{So}]/gu, '');
  return Array.from(shown.trim()).slice(0, MAX_NAME).join('');
}

function refused(name: string, why: string): MeshError {
  return new MeshError('model_unreadable', `${name || 'This file'} ${why}`);
}
