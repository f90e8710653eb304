/** Where the page keeps things between visits. Adapters: IndexedDB (`adapters/idb-store.ts`) and memory, here. */
export interface Store {
  get(key: string): Promise<unknown>;
  /** Writes all entries or none. */
  set(entries: [key: string, value: unknown][]): Promise<void>;
  delete(keys: string[]): Promise<void>;
  /** All entries whose key begins with `prefix`. */
  list(prefix: string): Promise<[key: string, value: unknown][]>;
  /** False: everything is forgotten when the page is closed. */
  readonly lasting: boolean;
}

/** For browsers without storage, as in some private windows. */
export class MemoryStore implements Store {
  readonly lasting: boolean = false;
  readonly #kept = new Map<string, unknown>();

  async get(key: string): Promise<unknown> {
    return this.#kept.get(key);
  }

  async set(entries: [key: string, value: unknown][]): Promise<void> {
    for (const [key, value] of entries) this.#kept.set(key, structuredClone(value));
  }

  async delete(keys: string[]): Promise<void> {
    for (const key of keys) this.#kept.delete(key);
  }

  async list(prefix: string): Promise<[key: string, value: unknown][]> {
    return [...this.#kept].filter(([key]) => key.startsWith(prefix));
  }
}
