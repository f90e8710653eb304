/** The visitor's own adapters; their code is a part of its own, for few people need it. */
import { warn } from '../adapters/log.ts';
import type { AdapterChoice } from '../state/chat/adapters/adapter-choice.svelte.ts';
import type { AdapterShelf, OwnAdapters } from '../state/chat/adapters/own-adapters.svelte.ts';
import type { Store } from '../state/store.ts';

export interface OwnAdaptersParts {
  store: Store;
  shelf: AdapterShelf;
  choice: AdapterChoice;
}

export function composeOwnAdapters({ store, shelf, choice }: OwnAdaptersParts): () => Promise<OwnAdapters> {
  let opened: Promise<OwnAdapters> | null = null;
  return () => {
    opened ??= import('../state/chat/adapters/own-adapters.svelte.ts').then(
      async (part) => {
        const own = new part.OwnAdapters({
          ...{ store, shelf },
          gone: (content) => choice.drop(content),
          failed: (error) => warn('an adapter', error),
        });
        await own.restore();
        return own;
      },
      (error: unknown) => {
        opened = null;
        throw error;
      },
    );
    return opened;
  };
}
