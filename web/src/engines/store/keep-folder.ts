/** Takes files that came from a hub into the store as one content, whose id nobody knew before they were all here. */
import { contentIdOf } from '@llmesh/core/models/content-id';
import { scriptHasher } from '@llmesh/core/models/hasher';
import { manifestBytes, PIECE_BYTES, readManifest } from '@llmesh/core/models/manifest';
import { requireRoom } from '../common/room.ts';
import { ignoreAbsence } from '../files/opfs-errors.ts';
import { FOLDER } from '../files/opfs-files.ts';
import { writeAll } from '../files/sync-write.ts';
import { ContentFolder, openEntry, writeEntry } from './content-folder.ts';
import { hashOfFile, type FileHashes } from './web-hash.ts';

export interface FolderFile {
  /** Its name in the manifest. */
  path: string;
  file: Blob;
}

/**
 * `source`: by which the catalogue names the model that they are. Only in a worker. Null: there is no such manifest, as with names
 * that some systems do not know. Rejects with storage_full where both copies have no room for a moment, and when `signal` aborts.
 */
export async function keepFolder(
  root: FileSystemDirectoryHandle,
  source: string,
  files: readonly FolderFile[],
  signal: AbortSignal,
): Promise<ContentFolder | null> {
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  await requireRoom(sorted.reduce((sum, { file }) => sum + file.size, 0));
  const hashes: FileHashes[] = [];
  for (const { file } of sorted) hashes.push(await hashOfFile(file, signal));
  const described = sorted.map(({ path, file }, i) => ({
    path,
    sizeBytes: file.size,
    sha256: hashes[i]?.sha256 ?? new Uint8Array(),
    root: hashes[i]?.root ?? new Uint8Array(),
  }));
  const bytes = manifestBytes({ format: 'mlc', files: described });
  const manifest = readManifest(bytes);
  if (manifest === null) return null;
  const content = contentIdOf(manifest, scriptHasher);
  const models = await root.getDirectoryHandle(FOLDER, { create: true });
  // What was begun of it is of no use any more.
  await models.removeEntry(content, { recursive: true }).catch(ignoreAbsence);
  const folder = await models.getDirectoryHandle(content, { create: true });
  try {
    await writeEntry(folder, 'manifest', bytes);
    await writeEntry(folder, 'layers', joined(hashes.map(({ layer }) => layer)));
    for (const [i, { file }] of sorted.entries()) await copy(file, folder, String(i), signal);
    await writeEntry(folder, 'source', new TextEncoder().encode(source));
    const kept = new ContentFolder(content, manifest, folder);
    await kept.create('whole');
    return kept;
  } catch (error) {
    // It lies whole where it was, and half of a copy takes the room of something else.
    await models.removeEntry(content, { recursive: true }).catch(ignoreAbsence);
    throw error;
  }
}

async function copy(file: Blob, folder: FileSystemDirectoryHandle, name: string, signal: AbortSignal): Promise<void> {
  const handle = await openEntry(folder, name);
  try {
    handle.truncate(0);
    for (let at = 0; at < file.size; at += PIECE_BYTES) {
      signal.throwIfAborted();
      writeAll(handle, new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer()), at);
    }
    handle.flush();
  } finally {
    handle.close();
  }
}

function joined(layers: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(layers.reduce((sum, layer) => sum + layer.byteLength, 0));
  let at = 0;
  for (const layer of layers) {
    all.set(layer, at);
    at += layer.byteLength;
  }
  return all;
}
