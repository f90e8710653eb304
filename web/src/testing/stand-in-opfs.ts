/** Stands in for the origin private file system, as far as models need it: real bytes, real locks, and faults on demand. */

export type Step =
  | 'getDirectoryHandle'
  | 'getFileHandle'
  | 'createSyncAccessHandle'
  | 'write'
  | 'truncate'
  | 'flush'
  | 'getFile'
  | 'move'
  | 'removeEntry';

interface Entry {
  bytes: Uint8Array<ArrayBuffer>;
  locked: boolean;
}

export class StandInOpfs {
  /** By their paths in the folder of models. */
  readonly entries = new Map<string, Entry>();
  readonly #folders = new Set<string>();
  /** Thrown at this step. */
  fault: { step: Step; error: Error } | null = null;
  /** What `write` returns instead of writing, once `roomBytes` are used up; null: it throws QuotaExceededError. */
  full: number | null = null;
  roomBytes = Infinity;

  get root(): FileSystemDirectoryHandle {
    const root = {
      getDirectoryHandle: async (_: string, options: { create?: boolean } = {}) => {
        if (options.create) this.step('getDirectoryHandle');
        else if (this.entries.size === 0) throw new DOMException('There is no such folder.', 'NotFoundError');
        return this.#folder('');
      },
    };
    return root as unknown as FileSystemDirectoryHandle;
  }

  /** What a tab leaves behind that is killed: its bytes, and none of its locks. */
  unlockAll(): void {
    for (const entry of this.entries.values()) entry.locked = false;
  }

  step(step: Step): void {
    if (this.fault?.step === step) throw this.fault.error;
  }

  #folder(path: string): FileSystemDirectoryHandle {
    const at = (name: string) => path + name;
    const folder = {
      kind: 'directory',
      path,
      getDirectoryHandle: async (name: string, options: { create?: boolean } = {}) => {
        if (!this.#folders.has(at(name))) {
          if (!options.create) throw new DOMException('There is no such folder.', 'NotFoundError');
          this.#folders.add(at(name));
        }
        return this.#folder(`${at(name)}/`);
      },
      getFileHandle: async (name: string, options: { create?: boolean } = {}) => {
        if (!this.entries.has(at(name))) {
          if (!options.create) throw new DOMException('There is no such file.', 'NotFoundError');
          this.step('getFileHandle');
          this.entries.set(at(name), { bytes: new Uint8Array(), locked: false });
        }
        return this.#handle(at(name));
      },
      removeEntry: async (name: string, options: { recursive?: boolean } = {}) => {
        this.step('removeEntry');
        const within = [...this.entries.keys()].filter(
          (key) => key === at(name) || (options.recursive && key.startsWith(`${at(name)}/`)),
        );
        if (within.length === 0 && !this.#folders.has(at(name))) {
          throw new DOMException('There is no such entry.', 'NotFoundError');
        }
        if (within.some((key) => this.#entry(key).locked)) {
          throw new DOMException('It is in use.', 'NoModificationAllowedError');
        }
        for (const key of within) this.entries.delete(key);
        this.#folders.delete(at(name));
      },
      entries: () => this.#list(path),
    };
    return folder as unknown as FileSystemDirectoryHandle;
  }

  async *#list(path: string): AsyncGenerator<[string, FileSystemHandle]> {
    for (const name of this.#folders) {
      const own = name.slice(path.length);
      if (name.startsWith(path) && !own.includes('/')) yield [own, this.#folder(`${name}/`)];
    }
    for (const name of this.entries.keys()) {
      const own = name.slice(path.length);
      if (name.startsWith(path) && !own.includes('/')) yield [own, this.#handle(name) as FileSystemHandle];
    }
  }

  #entry(name: string): Entry {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new DOMException('There is no such file.', 'NotFoundError');
    return entry;
  }

  #handle(name: string): unknown {
    return {
      kind: 'file',
      getFile: async () => {
        this.step('getFile');
        return new File([this.#entry(name).bytes], name);
      },
      move: async (...to: [string] | [{ path: string }, string]) => {
        this.step('move');
        const target = to.length === 1 ? to[0] : to[0].path + to[1];
        this.entries.set(target, this.#entry(name));
        this.entries.delete(name);
      },
      createSyncAccessHandle: async () => {
        this.step('createSyncAccessHandle');
        const entry = this.#entry(name);
        if (entry.locked) throw new DOMException('It is in use.', 'NoModificationAllowedError');
        entry.locked = true;
        return this.#access(entry);
      },
    };
  }

  #access(entry: Entry): unknown {
    return {
      getSize: () => entry.bytes.byteLength,
      read: (into: Uint8Array, { at = 0 }: { at?: number } = {}) => {
        const found = entry.bytes.subarray(at, at + into.byteLength);
        into.set(found);
        return found.byteLength;
      },
      write: (chunk: Uint8Array, { at }: { at: number }) => {
        this.step('write');
        const room = Math.max(0, Math.min(chunk.byteLength, this.roomBytes - at));
        if (room === 0 && chunk.byteLength > 0) {
          if (this.full === null) throw new DOMException('Full.', 'QuotaExceededError');
          return this.full;
        }
        if (at + room > entry.bytes.byteLength) {
          const longer = new Uint8Array(at + room);
          longer.set(entry.bytes);
          entry.bytes = longer;
        }
        entry.bytes.set(chunk.subarray(0, room), at);
        return room;
      },
      truncate: (size: number) => {
        this.step('truncate');
        const cut = new Uint8Array(size);
        cut.set(entry.bytes.subarray(0, size));
        entry.bytes = cut;
      },
      flush: () => this.step('flush'),
      close: () => {
        entry.locked = false;
      },
    };
  }
}
