/**
 * One instance's view of all the others; for a single one see `memory-hub.ts`. An adapter that uses a network connects
 * before it hands this out, and after a lost connection restores the listeners on its own.
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
  /** Identities that have done the work for joining. */
  readonly paid: Vault;
  /** Leaves the others. Idempotent. */
  close(): Promise<void>;
}
