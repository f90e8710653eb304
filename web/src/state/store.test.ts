import { storeSuite } from '../suites/store-suite.ts';
import { MemoryStore } from './store.ts';

storeSuite('the store in memory', async (tabs) => {
  const first = new MemoryStore();
  return [first, ...Array.from({ length: tabs - 1 }, () => new MemoryStore(first))];
});
