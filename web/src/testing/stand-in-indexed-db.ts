/** A store that lasts and takes keys, by reference: jsdom's structured clone knows none. */
import { MemoryStore, type Entry } from '../state/store.ts';

export class StandInIndexedDb extends MemoryStore {
  override readonly lasting: boolean = true;
  readonly #kept = new Map<string, unknown>();

  override async get(key: string): Promise<unknown> {
    return this.#kept.get(key);
  }

  override async list(prefix: string): Promise<Entry[]> {
    return [...this.#kept].filter(([key]) => key.startsWith(prefix));
  }

  override async set(entries: readonly Entry[]): Promise<void> {
    for (const [key, value] of entries) {
      if (value === undefined) this.#kept.delete(key);
      else this.#kept.set(key, value);
    }
  }
}
