/** What every store of the ledger must do. */
import { afterEach, describe, expect, it } from 'vitest';
import { newPeerId, type PeerId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { Posting } from '@llmesh/core/ledger/posting';
import type { StateValue } from '@llmesh/core/ledger/state';
import type { LedgerBatch, LedgerStore } from '../ledger/ledger-store.ts';

/** A store, and what closes it. */
export interface OpenLedgerStore {
  readonly store: LedgerStore;
  close(): Promise<void>;
}

export interface LedgerStoreSuiteOptions {
  /** Opens an empty store. */
  open: () => Promise<OpenLedgerStore>;
  /** Opens the same one again, after it was closed; null: nothing outlives it. */
  again: (() => Promise<OpenLedgerStore>) | null;
}

const MS = 1_800_000_000_000;
const [ann, ben] = [newPeerId(), newPeerId()];

export function ledgerStoreSuite(name: string, { open, again }: LedgerStoreSuiteOptions): void {
  describe(name, () => {
    const opened: OpenLedgerStore[] = [];
    const keep = (one: OpenLedgerStore) => {
      opened.push(one);
      return one.store;
    };
    const start = async () => keep(await open());
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((one) => one.close()));
    });

    it('begins with nothing', async () => {
      const store = await start();
      expect(await store.head()).toEqual({ size: 0, posted: 0, lastMs: 0, final: 0 });
      expect(await store.read(['a', 'b'])).toEqual(new Map());
      expect(await store.readAll('')).toEqual(new Map());
      expect(await store.entries(0, 10)).toEqual([]);
      expect(await store.leaves(0, 0)).toEqual([]);
      expect(await store.oldest()).toEqual({ leaf: 0, entry: 0 });
    });

    it('has what was appended: events, leaves, state, and how far it is', async () => {
      const store = await start();
      const first = batch(
        0,
        [ann, ben],
        [
          ['a/x', 1],
          ['h/1', [ann, 5, true, null]],
        ],
      );
      await store.append(first);
      await store.append({
        ...batch(
          1,
          [ann],
          [
            ['a/x', 2],
            ['h/1', undefined],
          ],
        ),
        head: head(2, 17),
      });
      expect(await store.head()).toEqual(head(2, 17));
      expect(await store.read(['a/x', 'h/1', 'other'])).toEqual(new Map([['a/x', 2]]));
      const entries = await store.entries(0, 10);
      expect(entries.map(({ index }) => index)).toEqual([0, 1]);
      const { leaf, ...entry } = first.entries[0]!;
      expect(entries[0]).toEqual(entry);
      expect((await store.leaves(0, 2))[0]).toEqual(leaf);
      await expect(store.leaves(1, 3)).rejects.toMatchObject({ code: 'storage_full' });
    });

    it('finds the events of a peer, the newest first', async () => {
      const store = await start();
      for (let i = 0; i < 6; i++) await store.append(batch(i, i % 2 === 0 ? [ann, ben] : [ann]));
      const indexes = async (...of: Parameters<LedgerStore['history']>) =>
        (await store.history(...of)).map(({ index }) => index);
      expect(await indexes(ann, 99, 3)).toEqual([5, 4, 3]);
      expect(await indexes(ann, 3, 99)).toEqual([2, 1, 0]);
      expect(await indexes(ben, 99, 99)).toEqual([4, 2, 0]);
      expect(await indexes(newPeerId(), 99, 99)).toEqual([]);
    });

    it('reads all that begins alike, and nothing else', async () => {
      const store = await start();
      const all: [string, StateValue][] = ['a', 'n/1/x', 'n/1/y', 'n/10/z', 'n/2/x', 'o'].map((key) => [key, key]);
      await store.append(batch(0, [], all));
      expect([...(await store.readAll('n/1/')).keys()]).toEqual(['n/1/x', 'n/1/y']);
      expect([...(await store.readAll('n/')).keys()]).toEqual(['n/1/x', 'n/1/y', 'n/10/z', 'n/2/x']);
      await store.forget('n/1/', 'n/10/', 1);
      expect([...(await store.readAll('n/')).keys()]).toHaveLength(3);
      await store.forget('n/1/', 'n/10/', 10);
      expect([...(await store.readAll('')).keys()]).toEqual(['a', 'n/10/z', 'n/2/x', 'o']);
    });

    it('refuses what was computed from another size, and keeps all of a batch or nothing', async () => {
      const store = await start();
      await store.append(batch(0, [ann]));
      await expect(store.append(batch(0, [ben], [['a/x', 1]]))).rejects.toMatchObject({ code: 'busy' });
      const twice = batch(1, [ben], [['a/x', 1]]);
      const broken: LedgerBatch = { ...twice, entries: [...twice.entries, ...twice.entries] };
      await expect(store.append(broken)).rejects.toThrow();
      expect((await store.head()).size).toBe(1);
      expect(await store.read(['a/x'])).toEqual(new Map());
      expect(await store.history(ben, 99, 9)).toEqual([]);
      await store.append(twice);
    });

    it('forgets old leaves and events some at a time, and what they touched', async () => {
      const store = await start();
      for (let i = 0; i < 10; i++) await store.append(batch(i, [ann]));
      await store.prune({ leaves: 8, entries: 5 }, 3);
      expect(await store.oldest()).toEqual({ leaf: 3, entry: 3 });
      for (let i = 0; i < 3; i++) await store.prune({ leaves: 8, entries: 5 }, 3);
      expect(await store.oldest()).toEqual({ leaf: 8, entry: 5 });
      expect(await store.leaves(8, 10)).toHaveLength(2);
      await expect(store.leaves(7, 10)).rejects.toMatchObject({ code: 'storage_full' });
      expect((await store.history(ann, 99, 99)).map(({ index }) => index)).toEqual([9, 8, 7, 6, 5]);
    });

    it('remembers where the history of each peer goes on in files', async () => {
      const store = await start();
      for (let i = 0; i < 4; i++) await store.append(batch(i, [ann]));
      expect(await store.past([ann, ben])).toEqual(new Map());
      await store.prune({ leaves: 0, entries: 2 }, 9, new Map([[ann, 1]]));
      await store.prune(
        { leaves: 0, entries: 3 },
        9,
        new Map([
          [ann, 2],
          [ben, 0],
        ]),
      );
      expect(await store.past([ann])).toEqual(new Map([[ann, 2]]));
      expect(await store.past([ben, newPeerId()])).toEqual(new Map([[ben, 0]]));
    });

    it('never takes back what is final', async () => {
      const store = await start();
      await store.append(batch(0, [ann]));
      await store.setFinal(1);
      await store.setFinal(0);
      await store.append(batch(1, [ann]));
      expect((await store.head()).final).toBe(1);
    });

    it.skipIf(again === null)('has all of it again after it was closed', async () => {
      const first = await open();
      await first.store.append(batch(0, [ann], [['a/x', 7]]));
      await first.close();
      const store = keep(await again!());
      expect(await store.head()).toEqual(head(1, 0));
      expect(await store.read(['a/x'])).toEqual(new Map([['a/x', 7]]));
      expect(await store.leaves(0, 1)).toHaveLength(1);
    });
  });
}

function head(size: number, posted: number) {
  return { size, posted, lastMs: MS, final: 0 };
}

/** One event at `index`, which touches these. */
function batch(
  index: number,
  peers: readonly PeerId[],
  state: readonly (readonly [string, StateValue | undefined])[] = [],
): LedgerBatch {
  const postings = peers.map((peer, i): Posting => ({ account: `free:${peer}`, amount: i + 1, reason: 'earned' }));
  const entry = { index, ms: MS, kind: 'earn' as const, about: { by: ann, units: 3 }, postings };
  return {
    from: index,
    head: head(index + 1, 0),
    entries: [{ ...entry, leaf: randomBytes(40) }],
    state: new Map(state),
  };
}
