/** IndexedDB is that of fake-indexeddb, which follows the specification; e2e/tests/tabs.test.ts has that of the browsers. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Store } from '../state/store.ts';
import { storeSuite } from '../suites/store-suite.ts';
import { openStore } from './idb-store.ts';

const deleted = (database: string) =>
  new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(database);
    request.addEventListener('success', resolve);
    request.addEventListener('blocked', () => reject(new Error('A tab holds on to it.')));
  });

async function open(tabs: number): Promise<Store[]> {
  const stores = await Promise.all(Array.from({ length: tabs }, openStore));
  return stores.map(({ store }) => store);
}

beforeEach(async () => {
  await deleted('llmesh');
});
afterEach(() => {
  vi.restoreAllMocks();
});

storeSuite('the store on IndexedDB', open);

describe('the store on IndexedDB, in trouble', () => {
  it('tells everything to a page that slept, also what is gone', async () => {
    const [store] = (await open(1)) as [Store];
    await store.set([['r/a', 1]]);
    const changed = vi.fn();
    store.follow('r/', changed);
    document.dispatchEvent(new Event('resume'));
    await vi.waitFor(() => expect(changed).toHaveBeenCalledWith([['r/a', 1]], true));
  });

  it('shows what is kept where nothing new can be written, and writes again when it can', async () => {
    const [before] = (await open(1)) as [Store];
    await before.set([['k', 'kept']]);
    const full = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('No room.', 'QuotaExceededError');
    });
    const { store, refusal } = await openStore();
    expect([store.lasting, refusal, await store.get('k')]).toEqual([true, null, 'kept']);
    const refused = store.change({ keys: ['k'] }, () => [
      ['gone', undefined],
      ['k', 'new'],
    ]);
    await expect(refused).rejects.toMatchObject({ name: 'QuotaExceededError' });
    expect(await store.get('k')).toBe('kept');
    full.mockRestore();
    await store.set([['k', 'new']]);
    expect(await store.get('k')).toBe('new');
  });

  it('is one in memory only where the database cannot be opened', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const refuse = new DOMException('Not here.', 'SecurityError');
    vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw refuse;
    });
    const { store, refusal } = await openStore();
    expect([store.lasting, refusal]).toEqual([false, refuse]);
    await store.set([['k', 1]]);
    expect(await store.get('k')).toBe(1);
  });

  it('lets go of a database that somebody deletes, and goes on with a new one', async () => {
    const tabs = (await open(2)) as [Store, Store];
    await tabs[0].set([['k', 1]]);
    await tabs[1].get('k');
    await deleted('llmesh');
    expect(await Promise.all(tabs.map((tab) => tab.get('k')))).toEqual([undefined, undefined]);
    await tabs[0].set([['k', 2]]);
    expect(await tabs[1].get('k')).toBe(2);
  });

  it('opens its database anew when the browser has closed it', async () => {
    const connections: IDBDatabase[] = [];
    const whole = IDBDatabase.prototype.transaction;
    vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...what) {
      connections.push(this);
      return whole.apply(this, what);
    });
    const [store] = (await open(1)) as [Store];
    await store.set([['k', 1]]);
    for (const connection of connections) connection.close();
    expect(await store.get('k')).toBe(1);
    await store.set([['k', 2]]);
    expect(await store.get('k')).toBe(2);
  });
});
