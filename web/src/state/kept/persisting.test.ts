import { flushSync } from 'svelte';
import { SvelteSet } from 'svelte/reactivity';
import { expect, it, vi } from 'vitest';
import { MemoryStore } from '../store.ts';
import { Persisting } from './persisting.svelte.ts';

class LastingStore extends MemoryStore {
  override readonly lasting = true;
}

function failed(error: unknown): never {
  throw error;
}

it('asks the browser once in all tabs and visits, and only when there is something to lose', async () => {
  const browser = new LastingStore();
  const talks = new SvelteSet<string>();
  const ask = vi.fn(async () => false);
  const stops: (() => void)[] = [];
  const visit = async (store: MemoryStore) => {
    stops.push(await new Persisting({ store, precious: () => talks.size > 0, ask, failed }).restore());
    flushSync();
  };
  await visit(browser);
  expect(ask).not.toHaveBeenCalled();
  talks.add('one');
  flushSync();
  expect(ask).toHaveBeenCalledOnce();
  talks.add('two');
  flushSync();
  await visit(new LastingStore(browser));
  expect(ask).toHaveBeenCalledOnce();
  // There is nothing that the browser could promise.
  await visit(new MemoryStore());
  expect(ask).toHaveBeenCalledOnce();
  for (const stop of stops) stop();
});
