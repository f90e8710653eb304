/** The visitor's own models and where they lie. A part of its own, for few people have any. */
import { warn } from '../../adapters/log.ts';
import { OwnModels } from '../../state/models/own-models.svelte.ts';
import type { Store } from '../../state/store.ts';
import type { Carrier } from '../carrier.ts';
import { placeForFiles } from '../place-for-files.ts';

export interface OwnModelsParts {
  store: Store;
  /** Null: this browser has no place for files. */
  carrier: () => Promise<Carrier | null>;
}

/** One for each page. */
const opened = new WeakMap<Store, OwnModels>();

export async function openOwnModels({ store, carrier }: OwnModelsParts): Promise<OwnModels> {
  let own = opened.get(store);
  if (own === undefined) {
    own = new OwnModels({
      store,
      shelf: { keep: async (file, onProgress) => await (await placeForFiles(carrier)).keepModel(file, onProgress) },
      failed: (error) => warn('a model of the visitor', error),
    });
    opened.set(store, own);
  }
  await own.restore();
  return own;
}
