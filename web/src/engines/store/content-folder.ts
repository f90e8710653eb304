/**
 * The folder of one content in the origin private file system: its manifest, the hashes of its pieces (`layers`), its files by
 * their numbers in the manifest, so that no name of a stranger ever names a file here, and an empty entry `whole` once all of it
 * is here. Until then `journal` says which pieces are. `chunks`: where content-defined chunks end in them, once somebody looked. `source`: by which the
 * catalogue names a model whose content id this device found out by itself.
 */
import { isContentId } from '@llmesh/core/base/ids';
import { manifestOf } from '@llmesh/core/models/content-id';
import { scriptHasher } from '@llmesh/core/models/hasher';
import type { Manifest } from '@llmesh/core/models/manifest';
import type { ContentId } from '@llmesh/core/models/piece-store';
import { FOLDER } from '../files/opfs-files.ts';
import { ignoreAbsence, inUse } from '../files/opfs-errors.ts';
import { writeAll } from '../files/sync-write.ts';

export type Entry = 'manifest' | 'layers' | 'journal' | 'whole' | 'used' | 'chunks' | 'source';

const IN_USE =
  'Another tab is downloading this model, or reading it. Wait for it, or close that tab; then start again.';

export class ContentFolder {
  readonly content: ContentId;
  readonly manifest: Manifest;
  readonly handle: FileSystemDirectoryHandle;

  constructor(content: ContentId, manifest: Manifest, handle: FileSystemDirectoryHandle) {
    this.content = content;
    this.manifest = manifest;
    this.handle = handle;
  }

  /** Null: nothing of it is here that could be used. */
  static async find(root: FileSystemDirectoryHandle, content: ContentId): Promise<ContentFolder | null> {
    const models = await root.getDirectoryHandle(FOLDER).catch(ignoreAbsence);
    const handle = await models?.getDirectoryHandle(content).catch(ignoreAbsence);
    if (!handle) return null;
    const bytes = await readEntry(handle, 'manifest');
    // A tab that was killed may have left the half of one.
    const manifest = bytes === null ? null : manifestOf(content, bytes, scriptHasher);
    return manifest === null ? null : new ContentFolder(content, manifest, handle);
  }

  /** All that are here. */
  static async all(root: FileSystemDirectoryHandle): Promise<ContentFolder[]> {
    const models = await root.getDirectoryHandle(FOLDER).catch(ignoreAbsence);
    const ids: ContentId[] = [];
    for await (const [name, { kind }] of models?.entries() ?? []) {
      if (kind === 'directory' && isContentId(name)) ids.push(name);
    }
    const found = await Promise.all(ids.map((content) => ContentFolder.find(root, content)));
    return found.filter((folder) => folder !== null);
  }

  async isWhole(): Promise<boolean> {
    return (await this.handle.getFileHandle('whole').catch(ignoreAbsence)) !== null;
  }

  /** Null: the catalogue pins it, or names its file. */
  async source(): Promise<string | null> {
    const bytes = await this.read('source');
    return bytes === null ? null : new TextDecoder().decode(bytes);
  }

  /** When it was read last, in milliseconds since 1970. */
  async usedAt(): Promise<number> {
    const handle = await this.handle.getFileHandle('used').catch(ignoreAbsence);
    const file = await (handle ?? (await this.handle.getFileHandle('manifest'))).getFile();
    return file.lastModified;
  }

  /** Remembers that it is read now; of no importance where that fails, as while another tab does the same. */
  async use(): Promise<void> {
    await this.write('used', new TextEncoder().encode(String(Date.now()))).catch(() => {});
  }

  read(name: Entry): Promise<Uint8Array<ArrayBuffer> | null> {
    return readEntry(this.handle, name);
  }

  /** Rejects with NotFoundError when it is not here. */
  async file(number: number): Promise<File> {
    return await (await this.handle.getFileHandle(String(number))).getFile();
  }

  /** Only in a worker. Rejects with `busy` while somebody else has it open. */
  open(name: Entry | number): Promise<FileSystemSyncAccessHandle> {
    return openEntry(this.handle, String(name));
  }

  /** Only in a worker. */
  async write(name: Entry, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await writeEntry(this.handle, name, bytes);
  }

  async create(name: Entry): Promise<void> {
    await this.handle.getFileHandle(name, { create: true });
  }

  /** Idempotent. */
  async drop(name: Entry): Promise<void> {
    await this.handle.removeEntry(name).catch(ignoreAbsence);
  }
}

/** Idempotent. Rejects with `busy` while it is in use. */
export async function removeContent(root: FileSystemDirectoryHandle, content: ContentId): Promise<void> {
  const models = await root.getDirectoryHandle(FOLDER).catch(ignoreAbsence);
  await models?.removeEntry(content, { recursive: true }).catch((error: unknown) => {
    ignoreAbsence(inUse(error, 'This model is in use, here or in another tab. Stop it there, then delete it.'));
  });
}

export async function openEntry(folder: FileSystemDirectoryHandle, name: string): Promise<FileSystemSyncAccessHandle> {
  const handle = await folder.getFileHandle(name, { create: true });
  try {
    return await handle.createSyncAccessHandle();
  } catch (error) {
    throw inUse(error, IN_USE);
  }
}

export async function writeEntry(
  folder: FileSystemDirectoryHandle,
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const handle = await openEntry(folder, name);
  try {
    handle.truncate(0);
    writeAll(handle, bytes, 0);
    handle.flush();
  } finally {
    handle.close();
  }
}

async function readEntry(folder: FileSystemDirectoryHandle, name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const handle = await folder.getFileHandle(name).catch(ignoreAbsence);
  return handle === null ? null : new Uint8Array(await (await handle.getFile()).arrayBuffer());
}
