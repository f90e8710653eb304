import { expect, test } from 'vitest';
import { BoundedMap } from './bounded-map.ts';

test('forgets the keys that were set longest ago when it has too many', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1).set('b', 2).set('c', 3);
  expect([...map]).toEqual([
    ['b', 2],
    ['c', 3],
  ]);
});

test('setting a key again renews it, and looking at it does not', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1).set('b', 2).set('a', 3);
  map.get('b');
  map.set('c', 4);
  expect([...map.keys()]).toEqual(['a', 'c']);
});

test('nothing is kept where nothing may be', () => {
  expect(new BoundedMap<string, number>(0).set('a', 1).size).toBe(0);
});

test('forgets in order however its keys come and go', () => {
  const [map, plain] = [new BoundedMap<number, number>(5), new Map<number, number>()];
  for (let i = 0; i < 2_000; i++) {
    // Some are renewed, some deleted, and now and then all of them.
    const key = (i * 7) % 11;
    if (i % 5 === 4) for (const each of [map, plain]) each.delete((i * 3) % 11);
    if (i % 97 === 96) for (const each of [map, plain]) each.clear();
    map.set(key, i);
    plain.delete(key);
    plain.set(key, i);
    if (plain.size > 5) plain.delete([...plain.keys()][0]!);
    expect([...map]).toEqual([...plain]);
  }
});
