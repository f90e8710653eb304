/**
 * Makes pieces of a model whose files are here already: hashed once, in the background, and remembered until they change. The
 * files stay where they are, whoever they belong to.
 */
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import { contentIdOf } from '@llmesh/core/models/content-id';
import { makeManifest, type MadeManifest } from '@llmesh/core/models/make-manifest';
import type { Manifest } from '@llmesh/core/models/manifest';
import { rememberHash } from '../../files/file-hash.ts';
import { partSuffix } from '../split-files.ts';
import { placedFile, type PlacedFile } from './content-folder.ts';
import type { FilePieceStore } from './file-piece-store.ts';
import { nodeHasher } from './node-hasher.ts';

/** Hashed in one go, in a millisecond or two: tokens of answers wait for it. */
const READ_BYTES = 262_144;

export interface AdoptOptions {
  signal: AbortSignal;
  /** True: rests as long as it worked, so that half of a core stays free for answers. */
  gently?: boolean;
  /** Hears how many bytes were read. */
  onProgress?: (readBytes: number) => void;
}

/**
 * The names of a model's files in its manifest: the same whatever they are called on this disk, so that everybody gets the same
 * content id.
 */
export function manifestNames(format: 'gguf' | 'adapter', files: number): string[] {
  const name = format === 'gguf' ? 'model' : 'adapter';
  return Array.from({ length: files }, (_, i) => `${name}${partSuffix(i + 1, files)}`);
}

/** `files`: a model's paths in order. Rejects with model_unreadable or cancelled, or the system's error. */
export async function describeFiles(
  format: Manifest['format'],
  files: readonly { file: string; name: string }[],
  { signal, gently = false, onProgress }: AdoptOptions,
): Promise<MadeManifest & { content: ContentId; placed: PlacedFile[] }> {
  const placed = await Promise.all(files.map(async ({ file }) => placedOf(file)));
  const sources = files.map(({ file, name }, i) => ({
    path: name,
    sizeBytes: placed[i]?.sizeBytes ?? 0,
    read: () => bytesOf(file, gently),
  }));
  const made = await makeManifest(format, sources, nodeHasher, { signal, ...(onProgress && { onProgress }) });
  for (const before of placed) {
    const { sizeBytes, modifiedMs } = await placedOf(before.path);
    if (sizeBytes === before.sizeBytes && modifiedMs === before.modifiedMs) continue;
    throw new MeshError(
      'model_unreadable',
      `${before.path} changed while it was read. Try again when nothing writes it.`,
    );
  }
  return { ...made, placed, content: contentIdOf(made.manifest, nodeHasher) };
}

/** The content id under which these files can be lent. Rejects as `describeFiles` does, and with busy or storage_full. */
export async function adopt(
  store: FilePieceStore,
  { format, files, dataFolder }: { format: 'gguf' | 'adapter'; files: readonly string[]; dataFolder: string },
  options: AdoptOptions,
): Promise<ContentId> {
  const paths = files.map((file) => path.resolve(file));
  const known = await store.find(paths);
  if (known !== null) return known;
  const names = manifestNames(format, paths.length);
  const described = await describeFiles(
    format,
    paths.map((file, i) => ({ file, name: names[i] ?? '' })),
    options,
  );
  for (const [i, { sha256 }] of described.manifest.files.entries()) {
    await rememberHash(paths[i] ?? '', dataFolder, Buffer.from(sha256).toString('hex'));
  }
  await store.adopt(described.content, described.manifest, described.layers, described.placed);
  return described.content;
}

async function placedOf(file: string): Promise<PlacedFile> {
  const placed = await placedFile(file);
  if (placed !== null) return placed;
  throw new MeshError('model_unreadable', `${file} cannot be read. Check that it is there, and who owns it.`);
}

async function* bytesOf(file: string, gently: boolean): AsyncGenerator<Uint8Array> {
  for await (const bytes of createReadStream(file, { highWaterMark: READ_BYTES })) {
    const began = performance.now();
    yield bytes as Buffer;
    // Whoever takes it hashes it before it asks for more.
    if (gently) await delay(performance.now() - began);
  }
}
