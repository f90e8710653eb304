/** The store on IndexedDB. Each change is one transaction; a channel between the tabs tells whose records changed. */
import { promisifyRequest, type UseStore } from 'idb-keyval';
import { openDatabase } from './idb-database.ts';
import { warn } from './log.ts';
import { MemoryStore, type Changed, type Entry, type KeyRange, type Reads, type Store } from '../state/store.ts';

const CHANNEL = 'llmesh';
/** Sorts behind every key. */
const LAST = '\uFFFF';

export interface OpenedStore {
  store: Store;
  /** Why it is one in memory, which is forgotten with the page; null: it is the browser's own. */
  refusal: unknown;
}

/** The browser's own store, also where it takes nothing new; one in memory where it cannot be opened: the page still works. */
export async function openStore(): Promise<OpenedStore> {
  try {
    return { store: new IdbStore(await openDatabase()), refusal: null };
  } catch (refusal) {
    warn('nothing is kept, this browser allows no storage here', refusal);
    return { store: new MemoryStore(), refusal };
  }
}

type Present = Map<string, unknown>;

class IdbStore implements Store {
  readonly lasting = true;
  readonly #db: UseStore;
  readonly #channel = new BroadcastChannel(CHANNEL);
  readonly #followers = new Set<[prefix: string, changed: Changed]>();
  /** Records are read for the followers one time after the other, so that nobody is told an older value last. */
  #telling: Promise<void> = Promise.resolve();

  constructor(db: UseStore) {
    this.#db = db;
    this.#channel.addEventListener('message', ({ data }) => this.#tell(data as readonly string[]));
    // What happened while the browser froze this page was told to nobody here.
    document.addEventListener('resume', () => this.#tellAll());
    addEventListener('pageshow', ({ persisted }) => persisted && this.#tellAll());
  }

  get(key: string): Promise<unknown> {
    return this.#db('readonly', (records) => promisifyRequest(records.get(key)));
  }

  list(prefix: string, range?: KeyRange): Promise<Entry[]> {
    return this.#db('readonly', async (records) => [...(await below(records, prefix, range))]);
  }

  async set(entries: readonly Entry[]): Promise<void> {
    await this.change({}, () => entries);
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.change({}, () => keys.map((key) => [key, undefined]));
  }

  async change(
    reads: Reads,
    by: (present: ReadonlyMap<string, unknown>) => readonly Entry[],
  ): Promise<readonly Entry[]> {
    const written = await this.#db('readwrite', async (records) => {
      const { transaction } = records;
      const kept = promisifyRequest(transaction);
      try {
        const entries = by(await presentOf(records, reads));
        for (const [key, value] of entries) {
          if (value === undefined) records.delete(key);
          else records.put(value, key);
        }
        await kept;
        return entries;
      } catch (error) {
        abort(transaction);
        await kept.catch(() => {
          // It was we who ended it: the reason is the error below.
        });
        throw error;
      }
    });
    if (written.length > 0) this.#channel.postMessage(written.map(([key]) => key));
    return written;
  }

  follow(prefix: string, changed: Changed): () => void {
    const follower: [string, Changed] = [prefix, changed];
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  #tell(keys: readonly string[]): void {
    for (const follower of this.#followers) {
      const theirs = keys.filter((key) => key.startsWith(follower[0]));
      if (theirs.length === 0) continue;
      this.#next(follower, async () => follower[1](await this.#now(theirs), false));
    }
  }

  #tellAll(): void {
    for (const follower of this.#followers) {
      const [prefix, changed] = follower;
      this.#next(follower, async () => changed(await this.list(prefix), true));
    }
  }

  #next(follower: [string, Changed], tell: () => Promise<void>): void {
    this.#telling = this.#telling
      .then(() => (this.#followers.has(follower) ? tell() : undefined))
      .catch((error: unknown) => warn('what another tab changed could not be read', error));
  }

  async #now(keys: readonly string[]): Promise<Entry[]> {
    const present = await this.#db('readonly', (records) => presentOf(records, { keys }));
    return keys.map((key) => [key, present.get(key)]);
  }
}

/** All in one transaction, which lasts as long as one request follows the other without a pause. */
async function presentOf(records: IDBObjectStore, { keys = [], prefixes = [] }: Reads): Promise<Present> {
  const found = await Promise.all(prefixes.map((prefix) => below(records, prefix)));
  const values = await Promise.all(keys.map((key) => promisifyRequest<unknown>(records.get(key))));
  const present = new Map(found.flatMap((entries) => [...entries]));
  keys.forEach((key, i) => values[i] !== undefined && present.set(key, values[i]));
  return present;
}

/** Reads keys and values in one go; not every browser has it. https://w3c.github.io/IndexedDB/#dom-idbobjectstore-getallrecords */
interface AllRecords {
  getAllRecords?: (options: { query: IDBKeyRange }) => IDBRequest<readonly { key: string; value: unknown }[]>;
}

async function below(
  records: IDBObjectStore & AllRecords,
  prefix: string,
  { from = prefix, before }: KeyRange = {},
): Promise<Present> {
  const range = IDBKeyRange.bound(from, before ?? prefix + LAST, false, before !== undefined);
  if (records.getAllRecords !== undefined) {
    const found = await promisifyRequest(records.getAllRecords({ query: range }));
    return new Map(found.map(({ key, value }) => [key, value]));
  }
  const [keys, values] = await Promise.all([
    promisifyRequest(records.getAllKeys(range) as IDBRequest<string[]>),
    promisifyRequest<unknown[]>(records.getAll(range)),
  ]);
  return new Map(keys.map((key, i) => [key, values[i]]));
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It has ended already, with the error that is thrown.
  }
}
