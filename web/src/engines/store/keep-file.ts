/** Takes a file that lies under its own name into the store, where it can be lent piece by piece. It is moved, and not copied. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { contentIdOf } from '@llmesh/core/models/content-id';
import { scriptHasher } from '@llmesh/core/models/hasher';
import { manifestBytes } from '@llmesh/core/models/manifest';
import { ignoreAbsence } from '../files/opfs-errors.ts';
import { FOLDER } from '../files/opfs-files.ts';
import { ContentFolder, writeEntry } from './content-folder.ts';
import { hashOfFile } from './web-hash.ts';

/** Whoever has the same bytes gives them the same name, so that all have the same content id. */
const ONLY_FILE = 'model.gguf';

/**
 * `name`: the file in the folder of models; `sha256`: what it has to be, in hex. Null: it is not that file, and stays where it
 * is. Only in a worker. Rejects when `signal` aborts.
 */
export async function keepFile(
  root: FileSystemDirectoryHandle,
  name: string,
  sha256: string,
  signal: AbortSignal,
): Promise<ContentFolder | null> {
  const models = await root.getDirectoryHandle(FOLDER);
  const handle = await models.getFileHandle(name);
  const file = await handle.getFile();
  const hashes = await hashOfFile(file, signal);
  if (bytesToHex(hashes.sha256) !== sha256) return null;
  const manifest = {
    format: 'gguf' as const,
    files: [{ path: ONLY_FILE, sizeBytes: file.size, sha256: hashes.sha256, root: hashes.root }],
  };
  const content = contentIdOf(manifest, scriptHasher);
  // What was begun of it elsewhere is of no use any more.
  await models.removeEntry(content, { recursive: true }).catch(ignoreAbsence);
  const folder = await models.getDirectoryHandle(content, { create: true });
  await writeEntry(folder, 'manifest', manifestBytes(manifest));
  await writeEntry(folder, 'layers', hashes.layer);
  await handle.move(folder, '0');
  const kept = new ContentFolder(content, manifest, folder);
  await kept.create('whole');
  return kept;
}
