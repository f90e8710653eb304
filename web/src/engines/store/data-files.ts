/** The files of a begun content, open for reading and writing. Each is as long as it will be, so that the room for it is ours. */
import type { ContentFolder } from './content-folder.ts';

/** A folder of shards has hundreds of files, and each open one costs the browser. */
const MOST_OPEN = 16;

export class DataFiles {
  readonly #folder: ContentFolder;
  /** In the order of their last use. */
  readonly #open = new Map<number, Promise<FileSystemSyncAccessHandle>>();
  /** Files that leave: the next one who wants the same waits until its lock is gone. */
  #leaving: Promise<void> = Promise.resolve();

  constructor(folder: ContentFolder) {
    this.#folder = folder;
  }

  /** To be used at once: the next call may close it. Rejects with `busy`, or QuotaExceededError when there is no room for it. */
  async open(file: number): Promise<FileSystemSyncAccessHandle> {
    const before = this.#open.get(file);
    if (before !== undefined) {
      this.#open.delete(file);
      this.#open.set(file, before);
      return await before;
    }
    if (this.#open.size >= MOST_OPEN) this.#leave();
    const opening = this.#leaving.then(() => this.#grown(file));
    this.#open.set(file, opening);
    opening.catch(() => {
      if (this.#open.get(file) === opening) this.#open.delete(file);
    });
    return await opening;
  }

  async flush(): Promise<void> {
    await this.#leaving;
    for (const handle of await Promise.all(this.#open.values())) handle.flush();
  }

  async close(): Promise<void> {
    await this.#leaving;
    const handles = await Promise.allSettled(this.#open.values());
    this.#open.clear();
    for (const handle of handles) if (handle.status === 'fulfilled') handle.value.close();
  }

  async #grown(file: number): Promise<FileSystemSyncAccessHandle> {
    const handle = await this.#folder.open(file);
    const sizeBytes = this.#folder.manifest.files[file]?.sizeBytes ?? 0;
    try {
      if (handle.getSize() !== sizeBytes) handle.truncate(sizeBytes);
    } catch (error) {
      handle.close();
      throw error;
    }
    return handle;
  }

  #leave(): void {
    const [oldest] = this.#open;
    if (oldest === undefined) return;
    const [file, opening] = oldest;
    this.#open.delete(file);
    this.#leaving = Promise.all([opening, this.#leaving]).then(([handle]) => {
      handle.flush();
      handle.close();
    });
  }
}
