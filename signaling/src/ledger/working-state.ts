/**
 * The projection's state, as far as it is in memory: all accounts, and of the rest what was used lately. It is read
 * without waiting, as the projection wants it; what is not here is fetched from the store, and then the event is tried
 * again. Changes count only once the store has them.
 */
import { isForgettable } from '@llmesh/core/ledger/keys';
import type { LedgerState, StateValue } from '@llmesh/core/ledger/state';

/** All keys of accounts begin so: `keys.ts` of core. */
export const ACCOUNTS = 'a/';
/** Values besides accounts and what is kept by day, about 200 bytes each; up to twice as many for a while. */
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
  /** Deliveries and settled holds that this batch asks about: each is one of millions, and nobody asks for it twice. */
  #passing: Values = new Map();
  /** Of the batch that is being put together. */
  #batch: Values = new Map();
  /** What its last event, which is being tried, found there. */
  readonly #before: { readonly key: string; readonly has: boolean; readonly value: StateValue | undefined }[] = [];
  /** The keys of the store that begin so, until the batch is over. */
  readonly #prefixes = new Map<string, readonly string[]>();

  constructor(accounts: ReadonlyMap<string, StateValue>, maxCached = MAX_CACHED) {
    for (const [key, value] of accounts) this.#accounts.set(key, value);
    this.#maxCached = maxCached;
  }

  get(key: string): StateValue | undefined {
    const value = this.#batch.get(key);
    return value !== undefined || this.#batch.has(key) ? value : this.kept(key);
  }

  /** Without what is not in the store yet. */
  kept(key: string): StateValue | undefined {
    if (key.startsWith(ACCOUNTS)) return this.#accounts.get(key);
    if (isForgettable(key)) {
      if (!this.#passing.has(key)) throw new Unread({ key });
      return this.#passing.get(key);
    }
    const young = this.#young.get(key);
    if (young !== undefined || this.#young.has(key)) return young;
    const value = this.#old.get(key);
    if (value === undefined && !this.#old.has(key)) throw new Unread({ key });
    this.#cache(key, value);
    return value;
  }

  set(key: string, value: StateValue | undefined): void {
    const before = this.#batch.get(key);
    this.#before.push({ key, has: before !== undefined || this.#batch.has(key), value: before });
    this.#batch.set(key, value);
  }

  keys(prefix: string): string[] {
    const stored = prefix.startsWith(ACCOUNTS) ? [...this.#accounts.keys()] : this.#prefixes.get(prefix);
    if (stored === undefined) throw new Unread({ prefix });
    const all = new Set(stored);
    for (const [key, value] of this.#batch) {
      if (value === undefined) all.delete(key);
      else all.add(key);
    }
    return [...all].filter((key) => key.startsWith(prefix)).sort();
  }

  /** Is it in memory, changed or not? */
  has(key: string): boolean {
    if (key.startsWith(ACCOUNTS)) return true;
    if (this.#batch.has(key)) return true;
    return isForgettable(key) ? this.#passing.has(key) : this.#young.has(key) || this.#old.has(key);
  }

  /** The store has these of the `asked` keys, and no others. */
  learn(asked: Iterable<string>, found: ReadonlyMap<string, StateValue>): void {
    for (const key of asked) {
      if (isForgettable(key)) this.#passing.set(key, found.get(key));
      else if (!key.startsWith(ACCOUNTS)) this.#cache(key, found.get(key));
    }
  }

  /** The store has just these that begin so. */
  learnAll(prefix: string, found: ReadonlyMap<string, StateValue>): void {
    this.learn(found.keys(), found);
    this.#prefixes.set(prefix, [...found.keys()]);
  }

  /** The event counts. */
  accept(): void {
    this.#before.length = 0;
  }

  /** It does not. */
  reject(): void {
    for (let last = this.#before.pop(); last !== undefined; last = this.#before.pop()) {
      if (last.has) this.#batch.set(last.key, last.value);
      else this.#batch.delete(last.key);
    }
  }

  /** What the events that were accepted change. Belongs to whoever has it: the next batch begins a new one. */
  get changes(): ReadonlyMap<string, StateValue | undefined> {
    return this.#batch;
  }

  /** The store has them. */
  commit(): void {
    for (const [key, value] of this.#batch) {
      if (!key.startsWith(ACCOUNTS)) {
        if (!isForgettable(key)) this.#cache(key, value);
      } else if (value === undefined) this.#accounts.delete(key);
      else this.#accounts.set(key, value);
    }
    this.abort();
  }

  /** The store has none of them. */
  abort(): void {
    this.#before.length = 0;
    this.#batch = new Map();
    this.#passing = new Map();
    this.#prefixes.clear();
  }

  #cache(key: string, value: StateValue | undefined): void {
    this.#young.set(key, value);
    if (this.#young.size <= this.#maxCached) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
