/** Which model to ask when nobody named one. */
import type { Offer } from './control-protocol.ts';

/** The one with the most free slots; null: nothing is offered. */
export function roomiestOffer(offers: readonly Offer[]): Offer | null {
  const free = ({ slots, busySlots }: Offer) => slots - busySlots;
  return offers.toSorted((a, b) => free(b) - free(a))[0] ?? null;
}
