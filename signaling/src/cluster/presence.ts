/**
 * The port that knows at which instance each peer is connected. An instance holds a lease, which it renews; after the
 * lease has expired, nobody is found there. Of two sessions of one peer the newer counts, whichever instances they are
 * at. Proved by `suites/presence.ts`; a second adapter keeps this in NATS, where the number of a session is the
 * revision of its key.
 */
import type { PeerId } from '@llmesh/core/base/ids';
import type { InstanceId } from './instance.ts';

/** A lease survives two lost renewals. */
export const LEASE_MS = 15_000;
export const RENEW_MS = 5_000;

export interface Whereabouts {
  readonly instance: InstanceId;
  /** Higher for every newer session of the mesh. */
  readonly session: number;
}

/** One instance's view. Each method rejects when the answer is unknown right now. */
export interface Presence {
  /** A session of this peer begins here, and replaces any earlier one. `before`: where the last one was. */
  arrive(peer: PeerId): Promise<{ session: number; before: Whereabouts | null }>;
  /** That session has ended. Does nothing when a newer one has begun. */
  depart(peer: PeerId, session: number): Promise<void>;
  /** Null: the peer is at no live instance. */
  find(peer: PeerId): Promise<Whereabouts | null>;
  /** This instance is alive, and so are its sessions, except those that were replaced elsewhere. */
  renew(): Promise<void>;
  /** This instance ends, with all of its sessions. Idempotent. */
  close(): Promise<void>;
}
