/** A peer that can be asked, and whom it may belong to. */
import { BoundedMap } from '../base/bounded-map.ts';
import type { PeerId } from '../base/ids.ts';
import { placeOf, type Place } from './place.ts';

/** The peers of one group that stand together in a bucket, or among the nearest to a key. */
export const MAX_OF_A_GROUP = 2;

export interface Contact {
  readonly peer: PeerId;
  readonly place: Place;
}

/** A peer that has proved its id to us. */
export interface MetContact extends Contact {
  /** Its network, a /24 or /56, where we see its address; else who introduced it. Never what it says of itself. */
  readonly group: string;
}

/** The same few peers are named again and again, and each hash takes microseconds. About 200 bytes each. */
const MAX_REMEMBERED = 16_384;
const remembered = new BoundedMap<PeerId, Contact>(MAX_REMEMBERED);

export function contactOf(peer: PeerId): Contact {
  const before = remembered.get(peer);
  if (before !== undefined) return before;
  const contact = { peer, place: placeOf('peer', peer) };
  remembered.set(peer, contact);
  return contact;
}

/** The first `most`, without those whose group stands there `MAX_OF_A_GROUP` times already. */
export function diverse<T extends MetContact>(sorted: readonly T[], most: number): T[] {
  const counts = new Map<string, number>();
  const taken: T[] = [];
  for (const contact of sorted) {
    if (taken.length >= most) break;
    const count = counts.get(contact.group) ?? 0;
    if (count >= MAX_OF_A_GROUP) continue;
    counts.set(contact.group, count + 1);
    taken.push(contact);
  }
  return taken;
}
