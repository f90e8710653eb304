/** Where pages kept conversations before there were records. */
import type { Store } from '../../store.ts';

export const SUMMARY = 'summary:';
export const DRAFT = 'draft';

/** Whether there is anything to be taken over, by `migration.ts`. */
export async function hasEarlierTalks(store: Store): Promise<boolean> {
  return (await store.list(SUMMARY)).length > 0 || (await store.get(DRAFT)) !== undefined;
}
