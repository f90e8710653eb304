/** What every store must do. */
import { describe, expect, it, vi, type Mock } from 'vitest';
import type { Changed, Entry, Store } from '../state/store.ts';

const follower = () => vi.fn<Changed>();
const seen = (changed: Mock<Changed>): Entry[] => changed.mock.calls.flatMap(([entries]) => [...entries]);

/** `open`: makes as many tabs of one new browser as it is asked for. */
export function storeSuite(name: string, open: (tabs: number) => Promise<Store[]>): void {
  describe(name, () => {
    it('gives back what it was given, below a prefix in the order of the keys', async () => {
      const [store] = (await open(1)) as [Store];
      await store.set([
        ['b/2', { many: [1, 'two', null] }],
        ['a', 1],
        ['b/10', 7],
        ['bb', false],
      ]);
      expect(await store.get('b/2')).toEqual({ many: [1, 'two', null] });
      expect(await store.get('b')).toBeUndefined();
      expect(await store.list('b/')).toEqual([
        ['b/10', 7],
        ['b/2', { many: [1, 'two', null] }],
      ]);
      await store.delete(['b/2', 'never there']);
      expect((await store.list('')).map(([key]) => key)).toEqual(['a', 'b/10', 'bb']);
    });

    it('gives a range of what lies below a prefix', async () => {
      const [store] = (await open(1)) as [Store];
      await store.set(['a/9', 'b/1', 'b/2', 'b/3', 'c/1'].map((key) => [key, key]));
      const keys = async (...args: Parameters<Store['list']>) => (await store.list(...args)).map(([key]) => key);
      expect(await keys('b/', { from: 'b/2' })).toEqual(['b/2', 'b/3']);
      expect(await keys('b/', { before: 'b/3' })).toEqual(['b/1', 'b/2']);
      expect(await keys('b/', { from: 'b/2', before: 'b/3' })).toEqual(['b/2']);
    });

    it('gives copies: nobody changes what is kept but by writing', async () => {
      const [store] = (await open(1)) as [Store];
      const value = { list: [1] };
      await store.set([['k', value]]);
      value.list.push(2);
      ((await store.get('k')) as typeof value).list.push(3);
      expect(await store.get('k')).toEqual({ list: [1] });
    });

    it('changes by what is there, all or nothing', async () => {
      const [store] = (await open(1)) as [Store];
      await store.set([
        ['n', 1],
        ['p/1', 'one'],
        ['q', 'other'],
      ]);
      const reads = { keys: ['n', 'none'], prefixes: ['p/'] };
      const written = await store.change(reads, (present) => {
        expect([...present]).toEqual([
          ['p/1', 'one'],
          ['n', 1],
        ]);
        return [
          ['n', 2],
          ['p/1', undefined],
        ];
      });
      expect(written).toEqual([
        ['n', 2],
        ['p/1', undefined],
      ]);
      const refused = store.change({ keys: ['n'] }, () => {
        throw new RangeError('no');
      });
      await expect(refused).rejects.toThrow(RangeError);
      const uncopyable = store.set([
        ['n', 3],
        ['f', () => {}],
      ]);
      await expect(uncopyable).rejects.toMatchObject({ name: 'DataCloneError' });
      expect(await store.list('')).toEqual([
        ['n', 2],
        ['q', 'other'],
      ]);
    });

    it('loses no change of three tabs that count at the same time', async () => {
      const tabs = await open(3);
      const count = (store: Store) =>
        store.change({ keys: ['n'] }, (present) => [['n', ((present.get('n') as number | undefined) ?? 0) + 1]]);
      await Promise.all(Array.from({ length: 60 }, (_, i) => count(tabs[i % 3]!)));
      expect(await tabs[0]!.get('n')).toBe(60);
    });

    it('tells other tabs what changed below a prefix, and the last value last', async () => {
      const [mine, theirs] = (await open(2)) as [Store, Store];
      const [here, there, beside] = [follower(), follower(), follower()];
      mine.follow('r/', here);
      theirs.follow('r/', there);
      theirs.follow('s/', beside);
      for (let i = 0; i <= 20; i++) {
        await mine.set([
          ['r/a', i],
          ['t', i],
        ]);
      }
      await mine.delete(['r/a']);
      await mine.set([['r/b', 'end']]);
      await vi.waitFor(() => expect(seen(there).at(-1)).toEqual(['r/b', 'end']));
      const told = seen(there).filter(([key]) => key === 'r/a');
      expect(told.at(-1)).toEqual(['r/a', undefined]);
      const numbers = told.map(([, value]) => value).filter((value) => typeof value === 'number');
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      expect([here.mock.calls, beside.mock.calls]).toEqual([[], []]);
    });

    it('tells nothing more to those who have heard enough', async () => {
      const [mine, theirs] = (await open(2)) as [Store, Store];
      const [gone, stays] = [follower(), follower()];
      theirs.follow('', gone)();
      theirs.follow('', stays);
      await mine.set([['k', 1]]);
      await vi.waitFor(() => expect(seen(stays)).toEqual([['k', 1]]));
      expect(gone).not.toHaveBeenCalled();
    });
  });
}
