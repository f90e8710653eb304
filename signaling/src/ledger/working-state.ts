/**
 * The projection's state, as far as it is in memory: all accounts, and of the rest what was used lately. It is read
 * without waiting, as the projection wants it; what is not here is fetched from the store, and then the event is tried
 * again. Changes count only once the store has them.
 */
import type { LedgerState, StateValue } from '@llmesh/core/ledger/state';

/** All keys of accounts begin so: `keys.ts` of core. */
export const ACCOUNTS = 'a/';
/** Values besides accounts, about 200 bytes each; up to twice as many for a while. */
const MAX_CACHED = 200_000;

/** This is not in memory: nothing was changed, fetch it and try again. */
export class Unread extends Error {
  readonly what: { readonly key: string } | { readonly prefix: string };

  constructor(what: Unread['what']) {
    super('A key of the ledger is not in memory.');
    this.what = what;
  }
}

type Values = Map<string, StateValue | undefined>;

export class WorkingState implements LedgerState {
  readonly #accounts = new Map<string, StateValue>();
  readonly #maxCached: number;
  /** Undefined: the store has no such key. What was used since the last turn, and in the one before. */
  #young: Values = new Map();
  #old: Values = new Map();
  /** Of the batch that is being put together, and of its event that is being tried. */
  #batch: Values = new Map();
  #event: Values = new Map();
  /** The keys of the store that begin so, until the batch is over. */
  readonly #prefixes = new Map<string, readonly string[]>();

  constructor(accounts: ReadonlyMap<string, StateValue>, maxCached = MAX_CACHED) {
    for (const [key, value] of accounts) this.#accounts.set(key, value);
    this.#maxCached = maxCached;
  }

  get(key: string): StateValue | undefined {
    if (this.#event.has(key)) return this.#event.get(key);
    if (this.#batch.has(key)) return this.#batch.get(key);
    return this.kept(key);
  }

  /** Without what is not in the store yet. */
  kept(key: string): StateValue | undefined {
    if (key.startsWith(ACCOUNTS)) return this.#accounts.get(key);
    if (this.#young.has(key)) return this.#young.get(key);
    if (!this.#old.has(key)) throw new Unread({ key });
    const value = this.#old.get(key);
    this.#cache(key, value);
    return value;
  }

  set(key: string, value: StateValue | undefined): void {
    this.#event.set(key, value);
  }

  keys(prefix: string): string[] {
    const stored = prefix.startsWith(ACCOUNTS) ? [...this.#accounts.keys()] : this.#prefixes.get(prefix);
    if (stored === undefined) throw new Unread({ prefix });
    const all = new Set(stored);
    for (const changes of [this.#batch, this.#event]) {
      for (const [key, value] of changes) {
        if (value === undefined) all.delete(key);
        else all.add(key);
      }
    }
    return [...all].filter((key) => key.startsWith(prefix)).sort();
  }

  /** Is it in memory, changed or not? */
  has(key: string): boolean {
    if (key.startsWith(ACCOUNTS)) return true;
    return this.#batch.has(key) || this.#young.has(key) || this.#old.has(key);
  }

  /** The store has these of the `asked` keys, and no others. */
  learn(asked: Iterable<string>, found: ReadonlyMap<string, StateValue>): void {
    for (const key of asked) if (!key.startsWith(ACCOUNTS)) this.#cache(key, found.get(key));
  }

  /** The store has just these that begin so. */
  learnAll(prefix: string, found: ReadonlyMap<string, StateValue>): void {
    this.learn(found.keys(), found);
    this.#prefixes.set(prefix, [...found.keys()]);
  }

  /** The event counts. */
  accept(): void {
    for (const [key, value] of this.#event) this.#batch.set(key, value);
    this.#event.clear();
  }

  /** It does not. */
  reject(): void {
    this.#event.clear();
  }

  /** What the events that were accepted change. */
  get changes(): ReadonlyMap<string, StateValue | undefined> {
    return this.#batch;
  }

  /** The store has them. */
  commit(): void {
    for (const [key, value] of this.#batch) {
      if (!key.startsWith(ACCOUNTS)) this.#cache(key, value);
      else if (value === undefined) this.#accounts.delete(key);
      else this.#accounts.set(key, value);
    }
    this.abort();
  }

  /** The store has none of them. */
  abort(): void {
    this.#event.clear();
    this.#batch.clear();
    this.#prefixes.clear();
  }

  #cache(key: string, value: StateValue | undefined): void {
    this.#young.set(key, value);
    if (this.#young.size <= this.#maxCached) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
