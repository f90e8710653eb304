/** A store that tells whether it keeps what it is given. */
import type { Changed, Entry, KeyRange, Reads, Store } from '../store.ts';
import type { Keeping } from './keeping.svelte.ts';

export type By = (present: ReadonlyMap<string, unknown>) => readonly Entry[];

export class WatchedStore implements Store {
  readonly #store: Store;
  protected readonly keeping: Keeping;

  constructor(store: Store, keeping: Keeping) {
    this.#store = store;
    this.keeping = keeping;
  }

  get lasting(): boolean {
    return this.#store.lasting;
  }

  get(key: string): Promise<unknown> {
    return this.#store.get(key);
  }

  list(prefix: string, range?: KeyRange): Promise<Entry[]> {
    return this.#store.list(prefix, range);
  }

  async set(entries: readonly Entry[]): Promise<void> {
    await this.change({}, () => entries);
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.change({}, () => keys.map((key) => [key, undefined]));
  }

  async change(reads: Reads, by: By): Promise<readonly Entry[]> {
    try {
      return await this.carryOut(reads, by);
    } catch (error) {
      this.keeping.takeFailure(error);
      throw error;
    }
  }

  follow(prefix: string, changed: Changed): () => void {
    return this.#store.follow(prefix, changed);
  }

  protected async carryOut(reads: Reads, by: By): Promise<readonly Entry[]> {
    const written = await this.#store.change(reads, by);
    const frees = written.some(([, value]) => value === undefined);
    if (frees && this.keeping.trouble !== null) void this.keeping.check();
    return written;
  }
}
