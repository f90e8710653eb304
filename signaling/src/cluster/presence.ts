/**
 * The port that knows at which instance each peer is connected. An instance holds a lease, which it renews; while the lease
 * has run out, nobody is found there. Of two sessions of one peer the newer counts, whichever instances they are at. Proved
 * by `suites/presence.ts`; a second adapter keeps this in NATS, where the number of a session is the revision of its key.
 */
import type { PeerId } from '@llmesh/core/base/ids';
import type { InstanceId } from './instance.ts';

/** A lease lasts through two renewals that are lost. */
export const LEASE_MS = 15_000;
export const RENEW_MS = 5_000;

export interface Whereabouts {
  readonly instance: InstanceId;
  /** Grows with every session of the mesh that is newer. */
  readonly session: number;
}

/** As one instance sees it. Each method rejects when it cannot be known right now. */
export interface Presence {
  /** A session of this peer begins here, and takes the place of any before it. `before`: where the last one was. */
  arrive(peer: PeerId): Promise<{ session: number; before: Whereabouts | null }>;
  /** That session is over. It changes nothing when a newer one has begun. */
  depart(peer: PeerId, session: number): Promise<void>;
  /** Null: the peer is at no instance that is alive. */
  find(peer: PeerId): Promise<Whereabouts | null>;
  /** This instance is alive, and so are its sessions, but for those that have newer ones elsewhere by now. */
  renew(): Promise<void>;
  /** This instance ends, and all of its sessions with it. Idempotent. */
  close(): Promise<void>;
}
