/** Presence in one process: for the usual single instance, or for several that share its memory. */
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import type { InstanceId } from './instance.ts';
import { LEASE_MS, type Presence, type Whereabouts } from './presence.ts';

/** The book that all of them write in. */
export class PresenceBook {
  readonly sessions = new Map<PeerId, Whereabouts>();
  readonly leases = new Map<InstanceId, number>();
  #last = 0;

  nextSession(): number {
    return ++this.#last;
  }
}

export class MemoryPresence implements Presence {
  readonly #clock: Clock;
  readonly #book: PresenceBook;
  readonly #instance: InstanceId;

  constructor(clock: Clock, book: PresenceBook, instance: InstanceId) {
    this.#clock = clock;
    this.#book = book;
    this.#instance = instance;
  }

  async arrive(peer: PeerId): Promise<{ session: number; before: Whereabouts | null }> {
    const { sessions } = this.#book;
    const before = sessions.get(peer) ?? null;
    const session = this.#book.nextSession();
    sessions.set(peer, { instance: this.#instance, session });
    return { session, before };
  }

  async depart(peer: PeerId, session: number): Promise<void> {
    const { sessions } = this.#book;
    if (sessions.get(peer)?.session === session) sessions.delete(peer);
  }

  async find(peer: PeerId): Promise<Whereabouts | null> {
    const { sessions, leases } = this.#book;
    const found = sessions.get(peer);
    if (found === undefined || (leases.get(found.instance) ?? -Infinity) <= this.#clock.now()) return null;
    return found;
  }

  async renew(): Promise<void> {
    this.#book.leases.set(this.#instance, this.#clock.now() + LEASE_MS);
  }

  async close(): Promise<void> {
    const { sessions, leases } = this.#book;
    if (!leases.delete(this.#instance)) return;
    for (const [peer, { instance }] of sessions) if (instance === this.#instance) sessions.delete(peer);
  }
}
