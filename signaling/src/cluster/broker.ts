/**
 * The port that carries messages between instances. It promises little, as brokers do: a message without a listener is
 * dropped, and the messages of one instance on one topic arrive in order. An instance that needs to know asks, and gets
 * the answer, or hears that nobody listens or that it took too long. Proved by `suites/broker.ts`; a second adapter is
 * NATS.
 */
import type { InstanceId } from './instance.ts';

/** Instances exchange short notes only; NATS would take a megabyte. */
export const MAX_BROKERED_BYTES = 65_536;
/** Messages that one listener is still busy with. Beyond that, notices are dropped and requests refused. */
export const MAX_IN_HAND = 1_024;

/** A topic of one instance, or of all that listen. */
export type Topic = `instance.${InstanceId}` | 'departed';

/** The result answers a request; null counts as no listener. An error fails that request alone. */
export type Listener = (message: string) => string | null | Promise<string | null>;

export interface Broker {
  /** Resolves when it is on its way. Rejects with message_too_large, or busy when the broker is unreachable. */
  tell(topic: Topic, message: string): Promise<void>;
  /** The listener's answer; null: there is none. Rejects like `tell`, and with busy when no answer came in time. */
  ask(topic: Topic, message: string, withinMs: number): Promise<string | null>;
  /** Resolves, once no further message is missed, with the function that stops it; then nothing more is delivered. */
  listen(topic: Topic, listener: Listener): Promise<() => Promise<void>>;
  /** Stops all listeners of this instance. Idempotent. */
  close(): Promise<void>;
}
