/** The store on IndexedDB. */
import { createStore, delMany, get, getMany, keys, set, setMany, type UseStore } from 'idb-keyval';
import { warn } from './log.ts';
import { MemoryStore, type Store } from '../state/store.ts';

/** The browser's own store, or one in memory where the browser allows none: the page still works. */
export async function openStore(): Promise<Store> {
  try {
    const db = createStore('llmesh', 'kept');
    await set('opened', Date.now(), db);
    return new IdbStore(db);
  } catch (error) {
    warn('nothing is kept, this browser allows no storage here', error);
    return new MemoryStore();
  }
}

class IdbStore implements Store {
  readonly lasting = true;
  readonly #db: UseStore;

  constructor(db: UseStore) {
    this.#db = db;
  }

  get(key: string): Promise<unknown> {
    return get(key, this.#db);
  }

  set(entries: [key: string, value: unknown][]): Promise<void> {
    return setMany(entries, this.#db);
  }

  delete(gone: string[]): Promise<void> {
    return delMany(gone, this.#db);
  }

  async list(prefix: string): Promise<[key: string, value: unknown][]> {
    const found = (await keys<string>(this.#db)).filter((key) => key.startsWith(prefix));
    const values = await getMany(found, this.#db);
    return found.map((key, i) => [key, values[i]]);
  }
}
