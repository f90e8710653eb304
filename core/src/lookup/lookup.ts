/**
 * One peer's part in finding things without a server: it answers others, keeps records for them, and searches itself. How
 * it asks and gives is a port, so that links and the simulator drive the same code.
 */
import type { PeerId } from '../base/ids.ts';
import type { verify } from '../identity/identity.ts';
import { contactOf, type Contact, type MetContact } from './contact.ts';
import { BUCKET_SIZE, ContactTable } from './contact-table.ts';
import { readLookupRecord } from './lookup-record.ts';
import { placeOf, type KeyKind, type Place } from './place.ts';
import { RecordStore } from './record-store.ts';
import { search, type Ask, type Found, type Reply } from './search.ts';

export interface LookupOptions {
  readonly self: PeerId;
  readonly now: () => number;
  readonly verify: typeof verify;
  readonly ask: Ask;
  /** Hands over a record to be kept. True: the peer says that it keeps it. Settles in bounded time. */
  readonly give: (peer: PeerId, record: Uint8Array, signal: AbortSignal) => Promise<boolean>;
  /** Disjoint paths of a search. */
  readonly paths: number;
}

export class Lookup {
  readonly #options: LookupOptions;
  readonly #table: ContactTable;
  readonly #store: RecordStore;

  constructor(options: LookupOptions) {
    this.#options = options;
    this.#table = new ContactTable(placeOf('peer', options.self));
    this.#store = new RecordStore(options.now, options.verify);
  }

  /** What a peer is told that asks for a place. */
  answer(target: Place): Omit<Reply, 'group'> {
    const peers = this.#table.nearest(target, BUCKET_SIZE).map(({ peer }) => peer);
    return { peers, records: this.#store.at(target) };
  }

  /** Whether the record is kept: it is well-formed, signed, not over, and there is room for it. */
  keep(record: Uint8Array): boolean {
    return this.#store.put(record);
  }

  /** A peer that proved its id spoke to us and carries a table, too. */
  met(contact: MetContact): void {
    this.#table.met(contact);
  }

  /** Finds our own neighbourhood, beginning with peers that we were told of or remember. */
  async join(anchors: readonly PeerId[], signal: AbortSignal): Promise<void> {
    const target = placeOf('peer', this.#options.self);
    await this.#search(target, anchors.map(contactOf), () => false, 1, signal);
  }

  /** Searches near any place, which fills the table there. Call with random places now and then. */
  async refresh(target: Place, signal: AbortSignal): Promise<void> {
    await this.#search(target, [], () => false, 1, signal);
  }

  /** Up to `most` proven records of different publishers. */
  find(kind: KeyKind, key: string, most: number, signal: AbortSignal): Promise<Found> {
    const publishers = new Set<PeerId>();
    const accept = (bytes: Uint8Array) => {
      const record = readLookupRecord(bytes, this.#options.now(), this.#options.verify, { kind, key });
      if (record === null || publishers.has(record.publisher)) return false;
      publishers.add(record.publisher);
      return true;
    };
    return this.#search(placeOf(kind, key), [], accept, most, signal);
  }

  /** Has a record kept by the peers nearest to its key. Returns how many say that they keep it. */
  async publish(kind: KeyKind, key: string, record: Uint8Array, signal: AbortSignal): Promise<number> {
    const { nearest } = await this.#search(placeOf(kind, key), [], () => false, 1, signal);
    const kept = await Promise.allSettled(nearest.map(({ peer }) => this.#options.give(peer, record, signal)));
    signal.throwIfAborted();
    return kept.filter((one) => one.status === 'fulfilled' && one.value).length;
  }

  #search(
    target: Place,
    anchors: readonly Contact[],
    accept: (record: Uint8Array) => boolean,
    enough: number,
    signal: AbortSignal,
  ): Promise<Found> {
    const { ask, paths, self } = this.#options;
    const known = new Map([...anchors, ...this.#table.nearest(target, BUCKET_SIZE)].map((one) => [one.peer, one]));
    known.delete(self);
    return search(target, [...known.values()], {
      ask: (peer, place, each) =>
        peer === self ? Promise.reject(new Error('That is ourselves.')) : ask(peer, place, each),
      paths,
      accept,
      enough,
      replied: (contact) => this.#table.met(contact),
      silent: ({ peer, place }) => this.#table.lost(peer, place),
      signal,
    });
  }
}
