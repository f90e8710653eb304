/**
 * The tickets that open a relayed link: two for each place, one for each end, valid once. All instances know them, but
 * the place is at the instance that issued them: both ends of a link have to meet there.
 */
import { toBase32 } from '@llmesh/core/base/base32';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { RELAY_TICKET_BYTES } from '@llmesh/core/wire/control-protocol';
import type { InstanceId } from '../cluster/instance.ts';
import type { Vault } from '../cluster/vault.ts';
import type { Place } from './relay-places.ts';

/** How long both ends have to come. */
export const TICKET_MS = 10_000;

/** 0: the caller's; 1: the callee's. */
export type Side = 0 | 1;
/** Anything else is not looked up. */
const TICKET = new RegExp(`^[a-z2-7]{${Math.ceil((RELAY_TICKET_BYTES * 8) / 5)}}$`);
/** The vault's value for a ticket. */
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

  /** The tickets of caller and callee. Resolves when they are valid. When it rejects, nothing is left of them. */
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

  /** Where the place of this ticket is; null: it is invalid or has expired. */
  async find(ticket: string): Promise<'here' | 'elsewhere' | null> {
    if (!TICKET.test(ticket)) return null;
    const [, instance, number] = VALUE.exec((await this.#vault.read(ticket)) ?? '') ?? [];
    if (instance === undefined) return null;
    if (instance !== this.#instance) return 'elsewhere';
    return this.#places.has(Number(number)) ? 'here' : null;
  }

  /** Uses up the ticket, which opens this end of this place; null: it opens nothing here. */
  async take(ticket: string): Promise<{ place: Place; side: Side } | null> {
    if (!TICKET.test(ticket)) return null;
    const [, instance, number, side] = VALUE.exec((await this.#vault.take(ticket)) ?? '') ?? [];
    const place = instance === this.#instance ? this.#places.get(Number(number)) : undefined;
    return place === undefined ? null : { place, side: Number(side) as Side };
  }

  /** The link has ended, or will not open: its remaining tickets become invalid. Idempotent. */
  revoke(place: Place): void {
    const given = this.#given.get(place);
    if (given === undefined) return;
    this.#given.delete(place);
    this.#places.delete(given.number);
    // If that fails they expire on their own, and their place is no longer known here.
    for (const ticket of given.tickets) this.#vault.take(ticket).catch(() => {});
  }
}

function newTicket(): string {
  return toBase32(randomBytes(RELAY_TICKET_BYTES));
}
