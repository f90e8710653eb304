/**
 * Files of models in IndexedDB, in pieces: for pages that came over plain http from another computer, to which browsers give no
 * file system. A head says what there is of a file; it is changed with its pieces in one transaction, and whoever finds another
 * head than the one that they left makes room for the other tab.
 */
import { MeshError } from '@llmesh/core/base/errors';
import { createStore, type UseStore } from 'idb-keyval';
import type { BegunFile, KeptFile, ModelFiles } from './model-files.ts';

const DATABASE = 'llmesh-models';
const STORE = 'pieces';
/** Large enough that a model has hundreds of pieces and not thousands; held in memory once. */
const PIECE_BYTES = 8_388_608;

/** Kept under `[name]`; the pieces are blobs under `[name, 0]`, `[name, 1]` … */
interface Head {
  bytes: number;
  pieces: number;
  whole: boolean;
  writtenAt: number;
}

const EMPTY: Omit<Head, 'writtenAt'> = { bytes: 0, pieces: 0, whole: false };

export class IdbFiles implements ModelFiles {
  readonly lasting = true;
  readonly #use: UseStore;

  private constructor(use: UseStore) {
    this.#use = use;
  }

  /** null where this browser keeps nothing. */
  static async open(): Promise<IdbFiles | null> {
    try {
      const use = createStore(DATABASE, STORE);
      await use('readonly', (store) => ended(store.transaction));
      return new IdbFiles(use);
    } catch {
      // Absent, or forbidden: then the caller has another place.
      return null;
    }
  }

  async find(name: string): Promise<KeptFile | null> {
    const head = await this.#head(name);
    if (head === null) return null;
    const { bytes, whole, writtenAt } = head;
    return { bytes, whole, writtenAt, open: () => this.#blob(name) };
  }

  async begin(name: string): Promise<BegunFile> {
    const head = await this.#head(name);
    return new IdbBegun(this.#use, name, head ?? { ...EMPTY, writtenAt: Date.now() });
  }

  async complete(name: string): Promise<void> {
    await changeHead(this.#use, name, (store, head) => {
      if (head !== null) store.put({ ...head, whole: true }, [name]);
    });
  }

  async remove(name: string): Promise<void> {
    await this.#use('readwrite', (store) => {
      store.delete(allOf(name));
      return ended(store.transaction);
    });
  }

  async #head(name: string): Promise<Head | null> {
    return await this.#use('readonly', async (store) => {
      const asked = store.get([name]);
      await ended(store.transaction);
      return (asked.result as Head | undefined) ?? null;
    });
  }

  /** The pieces stay on the disk until they are read. */
  async #blob(name: string): Promise<Blob> {
    return await this.#use('readonly', async (store) => {
      const asked = store.getAll(piecesOf(name));
      await ended(store.transaction);
      return new Blob(asked.result as Blob[]);
    });
  }
}

class IdbBegun implements BegunFile {
  readonly #use: UseStore;
  readonly #name: string;
  #head: Head;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #waitingBytes = 0;

  constructor(use: UseStore, name: string, head: Head) {
    this.#use = use;
    this.#name = name;
    this.#head = head;
  }

  get bytes(): number {
    return this.#head.bytes + this.#waitingBytes;
  }

  async append(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.byteLength;
    if (this.#waitingBytes >= PIECE_BYTES) await this.#write();
  }

  async restart(): Promise<void> {
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#change({ ...EMPTY, writtenAt: Date.now() }, (store) => store.delete(piecesOf(this.#name)));
  }

  async close(): Promise<void> {
    await this.#write();
  }

  abandon(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  async #write(): Promise<void> {
    if (this.#waitingBytes === 0) return;
    const piece = new Blob(this.#waiting);
    const { bytes, pieces } = this.#head;
    const next = { bytes: bytes + piece.size, pieces: pieces + 1, whole: false, writtenAt: Date.now() };
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#change(next, (store) => store.put(piece, [this.#name, pieces]));
  }

  async #change(next: Head, change: (store: IDBObjectStore) => void): Promise<void> {
    const { bytes, pieces } = this.#head;
    const changed = await changeHead(this.#use, this.#name, (store, found) => {
      const head = found ?? EMPTY;
      if (head.whole || head.bytes !== bytes || head.pieces !== pieces) return false;
      change(store);
      store.put(next, [this.#name]);
      return true;
    });
    if (!changed) {
      throw new MeshError(
        'busy',
        'Another tab has downloaded or deleted this model meanwhile. Wait for it, or close that tab; then start again.',
      );
    }
    this.#head = next;
  }
}

/** One transaction: `by` gets the head that is there, and changes what it wants. */
function changeHead<T>(
  use: UseStore,
  name: string,
  by: (store: IDBObjectStore, head: Head | null) => T,
): Promise<T | undefined> {
  return use('readwrite', async (store) => {
    let result: T | undefined;
    const asked = store.get([name]);
    asked.addEventListener('success', () => {
      result = by(store, (asked.result as Head | undefined) ?? null);
    });
    await ended(store.transaction);
    return result;
  });
}

function ended(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve());
    transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('The transaction was undone.')));
  });
}

/** An array is greater than any number. */
function piecesOf(name: string): IDBKeyRange {
  return IDBKeyRange.bound([name, 0], [name, []], false, true);
}

function allOf(name: string): IDBKeyRange {
  return IDBKeyRange.bound([name], [name, []], false, true);
}
