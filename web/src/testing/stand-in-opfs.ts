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
  readonly entries = new Map<string, Entry>();
  /** Thrown at this step. */
  fault: { step: Step; error: Error } | null = null;
  /** What `write` returns instead of writing, once `roomBytes` are used up; null: it throws QuotaExceededError. */
  full: number | null = null;
  roomBytes = Infinity;

  get root(): FileSystemDirectoryHandle {
    const folder = this.#folder();
    const root = {
      getDirectoryHandle: async (_: string, options: { create?: boolean } = {}) => {
        if (options.create) this.step('getDirectoryHandle');
        else if (this.entries.size === 0) throw new DOMException('There is no such folder.', 'NotFoundError');
        return folder;
      },
    };
    return root as unknown as FileSystemDirectoryHandle;
  }

  step(step: Step): void {
    if (this.fault?.step === step) throw this.fault.error;
  }

  #folder(): unknown {
    return {
      getFileHandle: async (name: string, options: { create?: boolean } = {}) => {
        if (!this.entries.has(name)) {
          if (!options.create) throw new DOMException('There is no such file.', 'NotFoundError');
          this.step('getFileHandle');
          this.entries.set(name, { bytes: new Uint8Array(), locked: false });
        }
        return this.#handle(name);
      },
      removeEntry: async (name: string) => {
        this.step('removeEntry');
        const entry = this.entries.get(name);
        if (entry === undefined) throw new DOMException('There is no such file.', 'NotFoundError');
        if (entry.locked) throw new DOMException('It is in use.', 'NoModificationAllowedError');
        this.entries.delete(name);
      },
    };
  }

  #entry(name: string): Entry {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new DOMException('There is no such file.', 'NotFoundError');
    return entry;
  }

  #handle(name: string): unknown {
    return {
      getFile: async () => {
        this.step('getFile');
        return new File([this.#entry(name).bytes], name);
      },
      move: async (to: string) => {
        this.step('move');
        this.entries.set(to, this.#entry(name));
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
      write: (chunk: Uint8Array, { at }: { at: number }) => {
        this.step('write');
        const room = Math.max(0, Math.min(chunk.byteLength, this.roomBytes - at));
        if (room === 0 && this.full === null) throw new DOMException('Full.', 'QuotaExceededError');
        if (room === 0 && this.full !== null) return this.full;
        const longer = new Uint8Array(Math.max(entry.bytes.byteLength, at + room));
        longer.set(entry.bytes);
        longer.set(chunk.subarray(0, room), at);
        entry.bytes = longer;
        return room;
      },
      truncate: (size: number) => {
        this.step('truncate');
        entry.bytes = entry.bytes.slice(0, size);
      },
      flush: () => this.step('flush'),
      close: () => {
        entry.locked = false;
      },
    };
  }
}
