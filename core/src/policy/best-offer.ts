/** Which model to ask when nobody named one. */
import type { TaskName } from '../base/ids.ts';
import { CHAT, type Offer } from '../wire/model-advert.ts';
import { isMadeFor } from './offer-name.ts';

/**
 * The offer with the most free slots for this kind of task; null: there is none. Slots are claims: a stranger with many
 * of them is asked only when nobody better known is available.
 */
export function bestOffer(offers: readonly Offer[], task: TaskName = CHAT): Offer | null {
  const able = offers.filter((offer) => isMadeFor(offer, task));
  return able.toSorted((a, b) => trustOf(b) - trustOf(a) || freeSlots(b) - freeSlots(a))[0] ?? null;
}

/**
 * How much speaks for an offer beyond its providers' own claims. 3: it is in the catalogue, and receipts speak for its
 * providers; 2: receipts do; 1: it is in the catalogue; 0: nothing does, or its id means another offer.
 */
export function trustOf({
  catalogued,
  proven,
  alternative,
}: Pick<Offer, 'catalogued' | 'proven' | 'alternative'>): number {
  if (alternative === true) return 0;
  return (proven === true ? 2 : 0) + (catalogued === true ? 1 : 0);
}

/** The free slots that count, not those that are claimed. */
export function freeSlots({ freeSlots: counted, slots, busySlots }: Offer): number {
  return counted ?? slots - busySlots;
}
