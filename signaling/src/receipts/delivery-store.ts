/**
 * The port that keeps what was delivered: of each lease one row with its proof, in the order in which they were first filed.
 * The ledger posts from here. There are only so many rows; of more, the oldest are added up, and no unit of them is lost.
 * Proved by `suites/delivery-store.ts`; a second adapter keeps them in PostgreSQL, where several instances file at once.
 */
import type { PeerId, TaskName } from '@llmesh/core/base/ids';
import { MeshError } from '@llmesh/core/base/errors';
import { keptOf, refused, replaces, type Delivered, type Kept } from './delivered.ts';

export interface DeliveryLimits {
  /** Rows, of about 1.1 KB each. */
  rows: number;
  /** The rows of one provider: nobody pushes the others out by filing much. */
  rowsPerProvider: number;
  /** A peer's day and kind of task each, of about 100 bytes. */
  sums: number;
}
export const DELIVERY_LIMITS: DeliveryLimits = { rows: 250_000, rowsPerProvider: 5_000, sums: 200_000 };

/**
 * What a peer gave and got in tasks of one kind on one day since 1970; day 0 is all that is older, and the peer '' is those
 * without a name.
 */
export interface DeliverySum {
  peer: PeerId | '';
  day: number;
  /** As it is offered. */
  task: TaskName;
  gave: number;
  gave_units: number;
  got: number;
  got_units: number;
}

/** It is kept from now on; as much or more was known already; or why it cannot be kept, as receipt_refused. */
export type Outcome = 'kept' | 'known' | MeshError;

/** Each method rejects when the store cannot be used right now, and then nothing has changed. */
export interface DeliveryStore {
  /**
   * Decides on each of a batch by `outcomeOf`, one after the other, and writes those that are kept, all in one transaction.
   * Of the same lease in several batches at once one is decided on before the other. Durable when it resolves, with the
   * outcomes in the order of the batch.
   */
  file(batch: readonly Delivered[], filedMs: number): Promise<Outcome[]>;
  /** What would come of it now. */
  judge(delivered: Delivered): Promise<Outcome>;
  /** What is kept of this lease; null: nothing, or its part of a sum. */
  find(leaseNonce: Uint8Array): Promise<Kept | null>;
  /** What was added up. */
  sums(): Promise<DeliverySum[]>;
  /** Proofs that are kept whole, and what all of it takes on the disk. */
  size(): Promise<{ rows: number; bytes: number }>;
  /** Adds up what nobody may file any more, some of it at a time, and gives room back. Call it now and then. */
  sweep(nowMs: number): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * What comes of `next`, which every store decides alike. `kept`: of its lease. `isSummed`: of leases of its provider that end
 * with its own there may be nothing any more but sums, which may have it in them.
 */
export function outcomeOf(kept: Kept | null, isSummed: boolean, next: Delivered): Outcome {
  try {
    if (!replaces(kept, keptOf(next))) return 'known';
  } catch (thrown) {
    if (thrown instanceof MeshError) return thrown;
    throw thrown;
  }
  return isSummed ? refused('It comes too late: only sums are kept for that time.') : 'kept';
}
