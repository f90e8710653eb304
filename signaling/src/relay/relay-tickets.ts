/**
 * What opens a relayed link: two tickets for each place, one for each end, good once. They are known at every instance, but
 * the place is at the one that gave them: both ends of a link have to meet there.
 */
import { toBase32 } from '@llmesh/core/base/base32';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { RELAY_TICKET_BYTES } from '@llmesh/core/wire/control-protocol';
import type { InstanceId } from '../cluster/instance.ts';
import type { Vault } from '../cluster/vault.ts';
import type { Place } from './relay-places.ts';

/** How long both ends have to come. */
export const TICKET_MS = 10_000;

/** 0: of the caller; 1: of the called. */
export type Side = 0 | 1;
/** No other is looked for. */
const TICKET = new RegExp(`^[a-z2-7]{${Math.ceil((RELAY_TICKET_BYTES * 8) / 5)}}$`);
/** What the vault has under a ticket. */
const VALUE = /^([a-z2-7]+) (\d+) ([01])$/;

export class RelayTickets {
  readonly #instance: InstanceId;
  readonly #vault: Vault;
  readonly #places = new Map<number, Place>();
  readonly #given = new Map<Place, { number: number; tickets: readonly string[] }>();
  #last = 0;

  constructor(instance: InstanceId, vault: Vault) {
    this.#instance = instance;
    this.#vault = vault;
  }

  /** Those of caller and called. Resolves when they open something. Nothing is left of them when it rejects. */
  async issue(place: Place): Promise<[string, string]> {
    const number = ++this.#last;
    const tickets: [string, string] = [newTicket(), newTicket()];
    this.#places.set(number, place);
    this.#given.set(place, { number, tickets });
    try {
      await Promise.all(
        tickets.map((ticket, side) => this.#vault.put(ticket, `${this.#instance} ${number} ${side}`, TICKET_MS)),
      );
    } catch (thrown) {
      this.revoke(place);
      throw thrown;
    }
    return tickets;
  }

  /** Where the place of this ticket is; null: it opens nothing, or not any more. */
  async find(ticket: string): Promise<'here' | 'elsewhere' | null> {
    if (!TICKET.test(ticket)) return null;
    const [, instance, number] = VALUE.exec((await this.#vault.read(ticket)) ?? '') ?? [];
    if (instance === undefined) return null;
    if (instance !== this.#instance) return 'elsewhere';
    return this.#places.has(Number(number)) ? 'here' : null;
  }

  /** The ticket is spent, and opens this end of this place; null: it opens nothing here. */
  async take(ticket: string): Promise<{ place: Place; side: Side } | null> {
    if (!TICKET.test(ticket)) return null;
    const [, instance, number, side] = VALUE.exec((await this.#vault.take(ticket)) ?? '') ?? [];
    const place = instance === this.#instance ? this.#places.get(Number(number)) : undefined;
    return place === undefined ? null : { place, side: Number(side) as Side };
  }

  /** The link is over, or will not come to be: what is left of its tickets opens nothing any more. Idempotent. */
  revoke(place: Place): void {
    const given = this.#given.get(place);
    if (given === undefined) return;
    this.#given.delete(place);
    this.#places.delete(given.number);
    // Where that fails they run out by themselves, and their place is not known here any more.
    for (const ticket of given.tickets) this.#vault.take(ticket).catch(() => {});
  }
}

function newTicket(): string {
  return toBase32(randomBytes(RELAY_TICKET_BYTES));
}
