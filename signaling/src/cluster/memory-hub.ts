/** All instances of one process and what they share. Without other servers there is one, and nothing leaves it. */
import type { Clock } from '@llmesh/core/base/clock';
import type { Cluster } from './cluster.ts';
import { newInstanceId } from './instance.ts';
import { MemoryBroker, Topics } from './memory-broker.ts';
import { MemoryPresence, PresenceBook } from './memory-presence.ts';
import { MemoryVault } from './memory-vault.ts';

/** The passes of as many sessions as a server holds, and of those that have just ended. */
const MAX_PASSES = 50_000;
/** Two tickets for each link that is being opened. */
const MAX_TICKETS = 200_000;
/** Identities that have paid; those forgotten pay again. */
const MAX_PAID = 50_000;

export class MemoryHub {
  readonly #clock: Clock;
  readonly #book = new PresenceBook();
  readonly #topics = new Topics();
  readonly #passes: MemoryVault;
  readonly #tickets: MemoryVault;
  readonly #paid: MemoryVault;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#passes = new MemoryVault(clock, MAX_PASSES);
    this.#tickets = new MemoryVault(clock, MAX_TICKETS);
    this.#paid = new MemoryVault(clock, MAX_PAID);
  }

  /** Adds one more instance. */
  join(): Cluster {
    const instance = newInstanceId();
    const presence = new MemoryPresence(this.#clock, this.#book, instance);
    const broker = new MemoryBroker(this.#clock, this.#topics);
    return {
      instance,
      presence,
      broker,
      passes: this.#passes,
      tickets: this.#tickets,
      paid: this.#paid,
      close: async () => {
        await Promise.all([broker.close(), presence.close()]);
      },
    };
  }
}
