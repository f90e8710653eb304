/**
 * What one instance has of all the others; alone it has it to itself, see `memory-hub.ts`. Whoever makes one that goes over a
 * wire is connected before it hands it out, and when the connection was lost takes up by itself what was listened to.
 */
import type { Broker } from './broker.ts';
import type { InstanceId } from './instance.ts';
import type { Presence } from './presence.ts';
import type { Vault } from './vault.ts';

export interface Cluster {
  readonly instance: InstanceId;
  readonly presence: Presence;
  readonly broker: Broker;
  /** Tokens that open `/signal`. */
  readonly passes: Vault;
  /** Tickets that open `/relay`. */
  readonly tickets: Vault;
  /** Identities that have worked for joining. */
  readonly paid: Vault;
  /** Leaves the others. Idempotent. */
  close(): Promise<void>;
}
