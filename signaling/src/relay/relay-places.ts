/**
 * Who may have a relayed link through this instance, and how many there may be. When all places are taken, a newcomer
 * gets one that nobody came for, or one from the peer that has most (`shares.ts`).
 */
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import { Shares, type Holder } from '../sockets/shares.ts';

/** Links of one peer, both as caller and as callee. */
export const MAX_LINKS_PER_PEER = 64;
/** Links from one caller to one callee: the new one may come before the old one is known to be dead. */
export const MAX_LINKS_PER_PAIR = 4;
/** Until then a place belongs to its caller, which is probably on the way; afterwards anyone may need it. */
export const ON_THE_WAY_MS = 1_000;

/** One link, from its request to its end. */
export interface Place {
  readonly caller: Holder;
  readonly callee: PeerId;
  readonly madeMs: number;
}

export class RelayPlaces {
  readonly #clock: Clock;
  readonly #maxLinks: number;
  readonly #held = new Set<Place>();
  readonly #places = new Shares<Place>();
  /** Places whose caller has not come, the oldest first. The callee is no sign: it comes whoever calls. */
  readonly #awaited = new Set<Place>();
  /** By caller and callee: links that others open to a peer count as its own as well. */
  readonly #ofPeer = new Map<PeerId, Shares<Place>>();

  constructor(clock: Clock, maxLinks: number) {
    this.#clock = clock;
    this.#maxLinks = maxLinks;
  }

  get size(): number {
    return this.#places.size;
  }

  /**
   * Null: there is no free place. The place is taken until `release`. `gone` lost theirs to it, and are released
   * already; others may be gone even if this one found no place.
   */
  hold(caller: Holder, callee: PeerId): { place: Place | null; gone: Place[] } {
    const gone: Place[] = [];
    const own = this.#between(caller.peer, callee);
    // One of the caller's own, which it did not come for.
    if (own.length >= MAX_LINKS_PER_PAIR) {
      const awaited = own.find((place) => this.#awaited.has(place));
      if (awaited === undefined) return { place: null, gone };
      this.#give(awaited, gone);
    }
    for (const [places, most] of [
      [this.#ofPeer.get(caller.peer), MAX_LINKS_PER_PEER],
      [this.#ofPeer.get(callee), MAX_LINKS_PER_PEER],
      [this.#places, this.#maxLinks],
    ] as const) {
      if (places === undefined || places.size < most) continue;
      const last = this.#abandoned(places) ?? this.#yielding(places, caller);
      if (last === null) return { place: null, gone };
      this.#give(last, gone);
    }
    return { place: this.#newPlace(caller, callee), gone };
  }

  /** Its caller is here. */
  came(place: Place): void {
    this.#awaited.delete(place);
  }

  /** The link has ended, or never opened. Idempotent. */
  release(place: Place): void {
    if (!this.#held.delete(place)) return;
    this.#awaited.delete(place);
    this.#places.remove(place);
    for (const peer of [place.caller.peer, place.callee]) {
      const places = this.#ofPeer.get(peer);
      places?.remove(place);
      if (places?.size === 0) this.#ofPeer.delete(peer);
    }
  }

  #newPlace(caller: Holder, callee: PeerId): Place {
    const place: Place = { caller, callee, madeMs: this.#clock.now() };
    for (const places of [this.#held, this.#awaited]) places.add(place);
    this.#places.add(place, caller);
    for (const peer of [caller.peer, callee]) {
      const places = this.#ofPeer.get(peer) ?? new Shares();
      this.#ofPeer.set(peer, places);
      places.add(place, caller);
    }
    return place;
  }

  #give(place: Place, gone: Place[]): void {
    this.release(place);
    gone.push(place);
  }

  #between(caller: PeerId, callee: PeerId): Place[] {
    return [...(this.#ofPeer.get(callee)?.items() ?? [])].filter(
      (place) => place.caller.peer === caller && place.callee === callee,
    );
  }

  /** The oldest whose caller has had time to come, and has not. */
  #abandoned(places: Shares<Place>): Place | null {
    const candidates = places === this.#places ? this.#awaited : places.items();
    for (const place of candidates) {
      // The oldest come first.
      if (place.madeMs + ON_THE_WAY_MS > this.#clock.now()) return null;
      if (this.#awaited.has(place)) return place;
    }
    return null;
  }

  /** The place that the largest holder gives up: one that is not open yet, otherwise the oldest, which may be dead. */
  #yielding(places: Shares<Place>, newcomer: Holder): Place | null {
    const last = places.yielding(newcomer);
    const own = last === null ? [] : places.ofPeer(last.caller);
    return own.find((place) => this.#awaited.has(place)) ?? own[0] ?? null;
  }
}
