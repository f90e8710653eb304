/**
 * The port that carries messages between instances. It promises little, as brokers do: a message that nobody listens for is
 * dropped, and what one instance says on one topic arrives in the order in which it was said. Who needs to know asks, and
 * hears the answer, that nobody is there, or that it took too long. Proved by `suites/broker.ts`; a second adapter is NATS.
 */
import type { InstanceId } from './instance.ts';

/** Between instances go short notes; NATS would take a megabyte. */
export const MAX_BROKERED_BYTES = 65_536;
/** Messages that one listener is still busy with. Of more, those that are only told are dropped, and who asks is refused. */
export const MAX_IN_HAND = 1_024;

/** What only one instance hears, or every instance that listens. */
export type Topic = `instance.${InstanceId}` | 'departed';

/** What is returned answers whoever asked; null is no answer, and the same as nobody. What it throws fails the asker alone. */
export type Listener = (message: string) => string | null | Promise<string | null>;

export interface Broker {
  /** Resolves when it is on its way. Rejects with message_too_large, or busy when the broker cannot be reached. */
  tell(topic: Topic, message: string): Promise<void>;
  /** The answer of the one that listens; null: nobody does. Rejects as `tell`, and with busy when none came in time. */
  ask(topic: Topic, message: string, withinMs: number): Promise<string | null>;
  /** Resolves when nothing that is said from now on is missed, with the way to stop; then nothing more is handed over. */
  listen(topic: Topic, listener: Listener): Promise<() => Promise<void>>;
  /** Stops all listening of this instance. Idempotent. */
  close(): Promise<void>;
}
