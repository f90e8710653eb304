import { expect, it } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { receiptOf } from '../testing/deliveries.ts';
import { RecentChanges } from './recent-changes.ts';

const issuer = newPeerId();
const numbers = (recent: RecentChanges, after: number, most = 10) =>
  recent.after(after, most, issuer)?.map(({ change }) => change) ?? null;

it('has what came since somebody first asked, in order and as often as it is asked', () => {
  const recent = new RecentChanges();
  recent.add('a', receiptOf(), 1);
  expect(numbers(recent, 0)).toBeNull();
  recent.add('b', receiptOf(), 2);
  recent.add('c', receiptOf(), 3);
  expect(numbers(recent, 0)).toBeNull();
  expect(numbers(recent, 1)).toEqual([2, 3]);
  expect(numbers(recent, 1, 1)).toEqual([2]);
  expect(numbers(recent, 2)).toEqual([3]);
  expect(numbers(recent, 3)).toEqual([]);
  recent.add('d', receiptOf(), 7);
  expect(numbers(recent, 3)).toEqual([7]);
});

it('has one change of a lease, the last', () => {
  const recent = new RecentChanges();
  expect(numbers(recent, 0)).toBeNull();
  recent.add('a', receiptOf(), 1);
  recent.add('b', receiptOf(), 2);
  recent.add('a', receiptOf(), 3);
  expect(numbers(recent, 0)).toEqual([2, 3]);
});

it('keeps a bounded number, and says that it does not have those before', () => {
  const recent = new RecentChanges();
  expect(numbers(recent, 0)).toBeNull();
  const one = receiptOf();
  for (let change = 1; change <= 5_000; change++) recent.add(String(change), one, change);
  expect(numbers(recent, 0)).toBeNull();
  expect(numbers(recent, 903)).toBeNull();
  expect(numbers(recent, 904, 2)).toEqual([905, 906]);
});
