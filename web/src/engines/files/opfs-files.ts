/** Files of models in the origin private file system. They are written in a worker only, found and removed everywhere. */
import { MeshError } from '@llmesh/core/base/errors';
import type { BegunFile, KeptFile, ModelFiles } from './model-files.ts';

export const FOLDER = 'models';
const BEGUN = '.part';
/** `base::File::FILE_ERROR_NO_SPACE` */
const CHROMIUM_NO_SPACE = -8;

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
    for (let rest = chunk; rest.byteLength > 0;) {
      const written = this.#handle.write(rest, { at: this.bytes });
      if (written === 0 || written > rest.byteLength) throw notWritten(written);
      this.bytes += written;
      rest = rest.subarray(written);
    }
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

/** A full disk may take a part of what is written, and then nothing. Chromium returns its negative error, as an unsigned number. */
function notWritten(written: number): DOMException {
  const full = written === 0 || (written | 0) === CHROMIUM_NO_SPACE;
  return full
    ? new DOMException('Nothing more was written.', 'QuotaExceededError')
    : new DOMException(`Writing failed with ${written | 0}.`, 'NotReadableError');
}

function ignoreAbsence(error: unknown): null {
  if (error instanceof DOMException && error.name === 'NotFoundError') return null;
  throw error;
}

function inUse(error: unknown, message: string): unknown {
  const locked = error instanceof DOMException && error.name === 'NoModificationAllowedError';
  return locked ? new MeshError('busy', message, { cause: error }) : error;
}
