/** Which model to ask when nobody named one. */
import type { Offer } from './model-advert.ts';

/** The one with the most free slots, of those that chat, or of those that embed; null: none is offered. */
export function roomiestOffer(offers: readonly Offer[], task: 'chat' | 'embedding' = 'chat'): Offer | null {
  const free = ({ slots, busySlots }: Offer) => slots - busySlots;
  const able = offers.filter(({ embeds }) => (embeds !== undefined) === (task === 'embedding'));
  return able.toSorted((a, b) => free(b) - free(a))[0] ?? null;
}
