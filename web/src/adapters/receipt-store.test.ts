import { expect, it } from 'vitest';
import { receipt, receiptKeeperSuite } from '@llmesh/core/suites/receipt-keeper';
import { MemoryStore } from '../state/store.ts';
import { openReceiptStore } from './receipt-store.ts';

// The page's store on IndexedDB has no place in this environment; both pass what they are given.
receiptKeeperSuite('receipts kept in the page’s store, here in memory', async () => {
  const store = new MemoryStore();
  return { keeper: await openReceiptStore(store), again: () => openReceiptStore(store) };
});

it('throws away what it cannot read, and no more', async () => {
  const store = new MemoryStore();
  const proof = receipt();
  await (await openReceiptStore(store)).keep(proof);
  await store.set([
    ['receipt/damaged', { order: 1 }],
    ['settings', { theme: 'dark' }],
  ]);
  expect(await (await openReceiptStore(store)).list()).toEqual([{ ...proof, settled: false }]);
  expect(await store.get('receipt/damaged')).toBeUndefined();
  expect(await store.get('settings')).toEqual({ theme: 'dark' });
});
