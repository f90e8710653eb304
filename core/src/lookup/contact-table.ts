/**
 * The peers that one peer knows (Kademlia §2.2): many near to itself, a few of every distance. Who has been here longest stays,
 * as long as it answers, and newcomers wait (§4.1): however many they are, they push nobody out. The nearest stand in a sibling list, too (S/Kademlia,
 * Baumgart & Mies 2007, §4.2), as buckets alone would keep only some of them.
 */
import type { PeerId } from '../base/ids.ts';
import { MAX_OF_A_GROUP, type MetContact } from './contact.ts';
import { compareDistance, PLACE_BITS, sharedBits, type Place } from './place.ts';

/** Kademlia's k: peers in a bucket, peers that keep a record, peers in one answer. */
export const BUCKET_SIZE = 20;
/** Twice k, so that when half of them leave at once the nearest k are still known. */
export const SIBLINGS = 40;

/** Each at most `BUCKET_SIZE`; who came last stands last. */
interface Bucket {
  known: MetContact[];
  waiting: MetContact[];
}

export class ContactTable {
  readonly #self: Place;
  /** By how many bits are shared with us: at most `PLACE_BITS`. */
  readonly #buckets = new Map<number, Bucket>();
  /** The nearest comes first. */
  #siblings: MetContact[] = [];
  /** Null since somebody came or went: others ask for it far more often than it changes. */
  #all: readonly MetContact[] | null = null;

  constructor(self: Place) {
    this.#self = self;
  }

  /** Notes that a peer proved its id and spoke to us. Where there is no room for it, it waits until somebody is lost. */
  met(contact: MetContact): void {
    const shared = sharedBits(this.#self, contact.place);
    // It is ourselves.
    if (shared === PLACE_BITS) return;
    this.#addSibling(contact);
    const bucket = this.#buckets.get(shared) ?? { known: [], waiting: [] };
    this.#buckets.set(shared, bucket);
    const before = bucket.known.find(({ peer }) => peer === contact.peer);
    // Nearly everybody who speaks to us is known already.
    if (before !== undefined && before.group === contact.group) return;
    this.#all = null;
    bucket.known = without(bucket.known, contact.peer);
    bucket.waiting = without(bucket.waiting, contact.peer);
    if (hasRoom(bucket.known, contact)) bucket.known.push(contact);
    else bucket.waiting = [...bucket.waiting, contact].slice(-BUCKET_SIZE);
  }

  /** It did not answer: who waited for its place, and was heard of last, takes it. */
  lost(peer: PeerId, place: Place): void {
    this.#siblings = without(this.#siblings, peer);
    const shared = sharedBits(this.#self, place);
    const bucket = this.#buckets.get(shared);
    this.#all = null;
    if (bucket === undefined) return;
    bucket.known = without(bucket.known, peer);
    bucket.waiting = without(bucket.waiting, peer);
    const next = bucket.waiting.findLast((contact) => hasRoom(bucket.known, contact));
    if (next !== undefined) {
      bucket.waiting = without(bucket.waiting, next.peer);
      bucket.known.push(next);
    }
    if (bucket.known.length === 0) this.#buckets.delete(shared);
  }

  /** At most `most`, the nearest first. */
  nearest(target: Place, most: number): MetContact[] {
    return this.#everyone()
      .toSorted((a, b) => compareDistance(target, a.place, b.place))
      .slice(0, most);
  }

  /** Each once, in no order that means anything. */
  all(): MetContact[] {
    return [...this.#everyone()];
  }

  #everyone(): readonly MetContact[] {
    if (this.#all !== null) return this.#all;
    const all = new Map(this.#siblings.map((sibling) => [sibling.peer, sibling]));
    for (const { known } of this.#buckets.values()) for (const contact of known) all.set(contact.peer, contact);
    return (this.#all = [...all.values()]);
  }

  #addSibling(contact: MetContact): void {
    const last = this.#siblings.at(-1);
    const full = this.#siblings.length >= SIBLINGS;
    if (full && last !== undefined && compareDistance(this.#self, contact.place, last.place) > 0) return;
    if (this.#siblings.some(({ peer, group }) => peer === contact.peer && group === contact.group)) return;
    const others = without(this.#siblings, contact.peer);
    // Who was there first stays, also when a peer of its group is nearer.
    if (countOf(others, contact.group) >= MAX_OF_A_GROUP) return;
    const sorted = [...others, contact].sort((a, b) => compareDistance(this.#self, a.place, b.place));
    this.#siblings = sorted.slice(0, SIBLINGS);
    this.#all = null;
  }
}

function hasRoom(known: readonly MetContact[], { group }: MetContact): boolean {
  return known.length < BUCKET_SIZE && countOf(known, group) < MAX_OF_A_GROUP;
}

function countOf(contacts: readonly MetContact[], group: string): number {
  return contacts.reduce((sum, contact) => sum + Number(contact.group === group), 0);
}

function without(contacts: readonly MetContact[], peer: PeerId): MetContact[] {
  return contacts.filter((contact) => contact.peer !== peer);
}
