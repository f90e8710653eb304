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
