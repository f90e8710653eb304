/** A file of the visitor's own on its way into the store: named safely, its head read within bounds, and written whole or not at all. */
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import { readGgufHeader, type GgufHeader } from '@llmesh/core/gguf/gguf-header';
import { GgufFault } from '@llmesh/core/gguf/gguf-reader';
import { contentIdOf } from '@llmesh/core/models/content-id';
import { scriptHasher } from '@llmesh/core/models/hasher';
import { PIECE_BYTES, type Manifest } from '@llmesh/core/models/manifest';
import type { PieceStore } from '@llmesh/core/models/piece-store';
import { hashOfFile } from './web-hash.ts';

const MAX_NAME = 60;
/** The beginnings of files that people take for a GGUF. */
const OTHERS: readonly [starts: (head: Uint8Array) => boolean, is: string][] = [
  [(head) => head[0] === 0x50 && head[1] === 0x4b, 'is an archive, or a file of PyTorch.'],
  [(head) => head[8] === 0x7b && head[9] === 0x22, 'is a safetensors file.'],
  [(head) => head[0] === 0x80 && (head[1] ?? 0) < 6, 'is a file of PyTorch.'],
  [(head) => head[0] === 0x7b || head[0] === 0x5b, 'is a file of settings.'],
];

export interface OwnFile {
  file: Blob;
  /** What it is called, as it is safe to show. */
  name: string;
}

export interface Whole {
  content: ContentId;
  sha256: Uint8Array;
}

/** Reads a part of the file. */
export async function bytesOf({ file }: OwnFile, from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await file.slice(from, to).arrayBuffer());
}

/** `advice`: what to do with a file of another format. Rejects with model_unreadable, in words for people. */
export async function headerOf(own: OwnFile, advice: string): Promise<GgufHeader> {
  const sizeBytes = own.file.size;
  const head = await bytesOf(own, 0, Math.min(16, sizeBytes));
  if (new TextDecoder().decode(head.subarray(0, 4)) !== 'GGUF') {
    const [, is = 'is not a GGUF file.'] = OTHERS.find(([starts]) => starts(head)) ?? [];
    throw refused(own.name, `${is} ${advice}`);
  }
  try {
    return await readGgufHeader({ sizeBytes, head: (length) => bytesOf(own, 0, length) });
  } catch (thrown) {
    if (!(thrown instanceof GgufFault)) throw thrown;
    throw refused(own.name, `cannot be read. ${thrown.what} Download or convert it again.`);
  }
}

/**
 * Hashes the file and writes it into the store. `path`: whoever has the same bytes gives them the same, so that all have the same
 * content id. Rejects with model_unreadable where the file changes meanwhile, or as the store does.
 */
export async function keepWhole(
  store: PieceStore,
  own: OwnFile,
  { format, path }: { format: Manifest['format']; path: string },
  onProgress: (share: number) => void,
): Promise<Whole> {
  const { file, name } = own;
  const sizeBytes = file.size;
  const hashes = await hashOfFile(file, new AbortController().signal, (share) => onProgress(share / 2));
  const manifest = { format, files: [{ path, sizeBytes, sha256: hashes.sha256, root: hashes.root }] };
  const content = contentIdOf(manifest, scriptHasher);
  const stored = await store.begin(content, manifest);
  try {
    if (!stored.pieces.full) await stored.keepLayer(0, hashes.layer);
    for (let piece = 0; piece < stored.pieces.size; piece++) {
      if (stored.pieces.has(piece)) continue;
      const from = piece * PIECE_BYTES;
      const isRight = await stored.write(piece, await bytesOf(own, from, Math.min(sizeBytes, from + PIECE_BYTES)));
      if (!isRight) throw refused(name, 'changed while it was read. Choose it again.');
      onProgress(0.5 + (0.5 * (piece + 1)) / stored.pieces.size);
    }
    await stored.complete();
  } finally {
    await stored.close();
  }
  return { content, sha256: hashes.sha256 };
}

/** What a stranger called a file, as it is safe to show: no folders, nothing that turns or hides text. */
export function plainName(called: string): string {
  const last = called.split(/[/\\]/).at(-1) ?? '';
  const shown = last.replace(/\.gguf$/i, '').replace(/[^\p{L}\p{M}\p{N}\p{P}\p{Zs}\p{So}]/gu, '');
  return Array.from(shown.trim()).slice(0, MAX_NAME).join('');
}

export function refused(name: string, why: string): MeshError {
  return new MeshError('model_unreadable', `${name || 'This file'} ${why}`);
}
