/** Who may open a relayed link, and how many there may be: two tickets for each link, one for each end, good once. */
import { toBase32 } from '@llmesh/core/base32';
import { RELAY_TICKET_BYTES } from '@llmesh/core/control-protocol';
import type { PeerId } from '@llmesh/core/ids';
import { randomBytes } from '@llmesh/core/random-bytes';

/** Links of one peer, as caller and called. */
export const MAX_LINKS_PER_PEER = 64;
/** Links from one caller to one other: the new one may come before the old one is known to be dead. */
export const MAX_LINKS_PER_PAIR = 4;

/** One link, from its tickets to its end. */
export interface Place {
  readonly caller: PeerId;
  readonly callee: PeerId;
  /** Unused ones, of caller and called. */
  readonly tickets: [string | null, string | null];
}
export type Side = 0 | 1;

export class RelayTickets {
  readonly #maxLinks: number;
  readonly #places = new Set<Place>();
  readonly #byTicket = new Map<string, { place: Place; side: Side }>();
  readonly #ofPeer = new Map<PeerId, number>();
  readonly #ofPair = new Map<string, number>();

  constructor(maxLinks: number) {
    this.#maxLinks = maxLinks;
  }

  get size(): number {
    return this.#places.size;
  }

  /** Null: there is no room. The place is taken until `release`. */
  issue(caller: PeerId, callee: PeerId): Place | null {
    if (this.#places.size >= this.#maxLinks) return null;
    if ((this.#ofPair.get(pair(caller, callee)) ?? 0) >= MAX_LINKS_PER_PAIR) return null;
    for (const peer of [caller, callee]) if ((this.#ofPeer.get(peer) ?? 0) >= MAX_LINKS_PER_PEER) return null;
    const tickets: Place['tickets'] = [newTicket(), newTicket()];
    const place: Place = { caller, callee, tickets };
    this.#places.add(place);
    tickets.forEach((ticket, side) => this.#byTicket.set(ticket ?? '', { place, side: side as Side }));
    this.#count(place, 1);
    return place;
  }

  has(ticket: string): boolean {
    return this.#byTicket.has(ticket);
  }

  /** The ticket is spent. */
  take(ticket: string): { place: Place; side: Side } | null {
    const found = this.#byTicket.get(ticket) ?? null;
    if (found === null) return null;
    this.#byTicket.delete(ticket);
    found.place.tickets[found.side] = null;
    return found;
  }

  /** The link is over, or never came to be: its tickets open nothing any more. Idempotent. */
  release(place: Place): void {
    if (!this.#places.delete(place)) return;
    for (const ticket of place.tickets) if (ticket !== null) this.#byTicket.delete(ticket);
    this.#count(place, -1);
  }

  #count({ caller, callee }: Place, change: 1 | -1): void {
    for (const peer of [caller, callee]) add(this.#ofPeer, peer, change);
    add(this.#ofPair, pair(caller, callee), change);
  }
}

function newTicket(): string {
  return toBase32(randomBytes(RELAY_TICKET_BYTES));
}

function pair(caller: PeerId, callee: PeerId): string {
  return `${caller} ${callee}`;
}

function add<K>(counts: Map<K, number>, key: K, change: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
