/** Files of models in the origin private file system. They are written in a worker only, found and removed everywhere. */
import type { BegunFile, KeptFile, ModelFiles } from './model-files.ts';
import { ignoreAbsence, inUse } from './opfs-errors.ts';
import { writeAll } from './sync-write.ts';

export const FOLDER = 'models';
const BEGUN = '.part';

export class OpfsFiles implements ModelFiles {
  readonly lasting = true;
  readonly #root: FileSystemDirectoryHandle;

  constructor(root: FileSystemDirectoryHandle) {
    this.#root = root;
  }

  async find(name: string): Promise<KeptFile | null> {
    const folder = await this.#root.getDirectoryHandle(FOLDER).catch(ignoreAbsence);
    for (const entry of [name, name + BEGUN]) {
      const handle = await folder?.getFileHandle(entry).catch(ignoreAbsence);
      if (!handle) continue;
      const file = await handle.getFile();
      return { bytes: file.size, whole: entry === name, writtenAt: file.lastModified, open: async () => file };
    }
    return null;
  }

  async begin(name: string): Promise<BegunFile> {
    const folder = await this.#folder();
    const handle = await folder.getFileHandle(name + BEGUN, { create: true });
    try {
      return new OpfsBegun(await handle.createSyncAccessHandle());
    } catch (error) {
      throw inUse(error, 'Another tab is downloading this model. Wait for it, or close that tab.');
    }
  }

  async complete(name: string): Promise<void> {
    const handle = await (await this.#folder()).getFileHandle(name + BEGUN);
    await handle.move(name);
  }

  async remove(name: string): Promise<void> {
    const folder = await this.#root.getDirectoryHandle(FOLDER).catch(ignoreAbsence);
    for (const entry of [name, name + BEGUN]) {
      await folder?.removeEntry(entry).catch((error: unknown) => {
        ignoreAbsence(inUse(error, 'This model is in use, here or in another tab. Stop it there, then delete it.'));
      });
    }
  }

  #folder(): Promise<FileSystemDirectoryHandle> {
    return this.#root.getDirectoryHandle(FOLDER, { create: true });
  }
}

class OpfsBegun implements BegunFile {
  bytes: number;
  readonly #handle: FileSystemSyncAccessHandle;

  constructor(handle: FileSystemSyncAccessHandle) {
    this.#handle = handle;
    this.bytes = handle.getSize();
  }

  async append(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    writeAll(this.#handle, chunk, this.bytes, (written) => (this.bytes += written));
  }

  async restart(): Promise<void> {
    this.#handle.truncate(0);
    this.bytes = 0;
  }

  async close(): Promise<void> {
    this.#handle.flush();
    this.#handle.close();
  }

  abandon(): void {
    this.#handle.close();
  }
}
