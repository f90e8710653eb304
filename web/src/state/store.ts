/**
 * Where the page keeps things between visits: small records by key, shared by all tabs of this browser. Adapters: IndexedDB
 * (`adapters/idb-store.ts`) and memory, here.
 */

/** As a value to write, undefined deletes; as one that is told, it says that the record is gone. */
export type Entry = readonly [key: string, value: unknown];

/** The records that a change looks at. */
export interface Reads {
  keys?: readonly string[];
  /** Every record whose key begins with one of these. */
  prefixes?: readonly string[];
}

/** Keys from `from` on, and of those the ones that sort before `before`. */
export interface KeyRange {
  from?: string;
  before?: string;
}

/** `whole`: what is not among the entries is gone, too. */
export type Changed = (entries: readonly Entry[], whole: boolean) => void;

export interface Store {
  /** False: everything is forgotten when the page is closed. */
  readonly lasting: boolean;
  get(key: string): Promise<unknown>;
  /** The entries whose key begins with `prefix`, in the order of their keys; all of them, or those of a range of keys. */
  list(prefix: string, range?: KeyRange): Promise<Entry[]>;
  /** Writes all entries or none. Only for values that do not depend on those of before: else `change`. */
  set(entries: readonly Entry[]): Promise<void>;
  delete(keys: readonly string[]): Promise<void>;
  /**
   * Reads and writes at one go: nothing of another tab comes between. `by` gets what is there of `reads` and returns what is
   * to be written, at once (no promise); if it throws, nothing is written. Resolves with what was written, as soon as it is kept.
   */
  change(reads: Reads, by: (present: ReadonlyMap<string, unknown>) => readonly Entry[]): Promise<readonly Entry[]>;
  /**
   * Tells what other tabs change below `prefix`, with the values of the moment of telling, in order; after this tab slept,
   * everything below it. Returns how to stop.
   */
  follow(prefix: string, changed: Changed): () => void;
}

/** For browsers without storage, as in some private windows. */
export class MemoryStore implements Store {
  readonly lasting: boolean = false;
  readonly #shared: { kept: Map<string, unknown>; tabs: Set<MemoryStore> };
  readonly #followers = new Set<[prefix: string, changed: Changed]>();

  /** `beside`: another tab of the same browser. */
  constructor(beside?: MemoryStore) {
    this.#shared = beside === undefined ? { kept: new Map(), tabs: new Set() } : beside.#shared;
    this.#shared.tabs.add(this);
  }

  async get(key: string): Promise<unknown> {
    return structuredClone(this.#shared.kept.get(key));
  }

  async list(prefix: string, range?: KeyRange): Promise<Entry[]> {
    return this.#below(prefix, range);
  }

  async set(entries: readonly Entry[]): Promise<void> {
    this.#write(entries);
  }

  async delete(keys: readonly string[]): Promise<void> {
    this.#write(keys.map((key) => [key, undefined]));
  }

  async change(
    { keys = [], prefixes = [] }: Reads,
    by: (present: ReadonlyMap<string, unknown>) => readonly Entry[],
  ): Promise<readonly Entry[]> {
    const present = new Map(prefixes.flatMap((prefix) => this.#below(prefix)));
    const { kept } = this.#shared;
    for (const key of keys) if (kept.has(key)) present.set(key, structuredClone(kept.get(key)));
    const entries = by(present);
    this.#write(entries);
    return entries;
  }

  follow(prefix: string, changed: Changed): () => void {
    const follower: [string, Changed] = [prefix, changed];
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  #below(prefix: string, { from, before }: KeyRange = {}): [key: string, value: unknown][] {
    const found = [...this.#shared.kept].filter(
      ([key]) =>
        key.startsWith(prefix) && (from === undefined || key >= from) && (before === undefined || key < before),
    );
    return structuredClone(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #write(entries: readonly Entry[]): void {
    const { kept, tabs } = this.#shared;
    for (const [key, value] of structuredClone(entries)) {
      if (value === undefined) kept.delete(key);
      else kept.set(key, value);
    }
    for (const tab of tabs) if (tab !== this) queueMicrotask(() => tab.#tell(entries));
  }

  #tell(entries: readonly Entry[]): void {
    for (const [prefix, changed] of this.#followers) {
      const theirs = entries.filter(([key]) => key.startsWith(prefix)).map(([key]) => this.#now(key));
      if (theirs.length > 0) changed(theirs, false);
    }
  }

  #now(key: string): Entry {
    return [key, structuredClone(this.#shared.kept.get(key))];
  }
}
