/** Whether a page has lending to go on with: known before the code of lending is here, which most visits never need. */
import type { KeptByKey } from '../kept/kept-at-once.ts';
import type { Store } from '../store.ts';

/** In the store: whether this browser was donating when it was last heard of. */
export const DONATING = 'resume/donating';
/** In the tab: what it was donating. */
export const TAB = 'donating';

/** Rejects with the store's error. See `Resume`, which decides what comes of it. */
export async function wasDonating(tab: KeptByKey, store: Pick<Store, 'get'>): Promise<boolean> {
  return tab.read(TAB) !== null || (await store.get(DONATING)) === true;
}
