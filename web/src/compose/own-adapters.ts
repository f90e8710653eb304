/** The visitor's own adapters and where they lie. A part of its own, for few people need it. */
import { warn } from '../adapters/log.ts';
import type { AdapterChoice } from '../state/chat/adapters/adapter-choice.svelte.ts';
import { chosenWithout, OwnAdapters } from '../state/chat/adapters/own-adapters.svelte.ts';
import type { Store } from '../state/store.ts';
import type { Carrier } from './carrier.ts';
import { placeForFiles } from './place-for-files.ts';

export interface OwnAdaptersParts {
  store: Store;
  /** Null: this browser has no place for files. */
  carrier: () => Promise<Carrier | null>;
  choice: AdapterChoice;
}

/** One for each page, whose dialog may be closed and opened while a file is looked at. */
const opened = new WeakMap<Store, OwnAdapters>();

export async function openOwnAdapters({ store, carrier, choice }: OwnAdaptersParts): Promise<OwnAdapters> {
  const before = opened.get(store);
  if (before !== undefined) return before;
  const shelf = () => placeForFiles(carrier);
  const own = new OwnAdapters({
    store,
    shelf: {
      keep: async (file, onProgress) => await (await shelf()).keepAdapter(file, onProgress),
      remove: async (content) => await (await shelf()).removeContent(content),
    },
    gone: (content) => choice.change(chosenWithout(content)),
    failed: (error) => warn('an adapter', error),
  });
  opened.set(store, own);
  await own.restore();
  return own;
}
