/**
 * The port that keeps what was delivered: for each lease one row with its proof, in the order of first filing. The
 * ledger posts from here. The number of rows is limited; beyond it, the oldest are added up, and no unit of them is
 * lost. Proved by `suites/delivery-store.ts`; a second adapter keeps them in PostgreSQL, where several instances file
 * at once.
 */
import type { PeerId, TaskName } from '@llmesh/core/base/ids';
import { MeshError } from '@llmesh/core/base/errors';
import type { Earn } from '@llmesh/core/ledger/event';
import type { Delivery } from '@llmesh/core/ledger/evidence';
import { keptOf, refused, replaces, type Delivered, type Kept } from './delivered.ts';

export interface DeliveryLimits {
  /** The most rows, each about 1.7 KB. */
  rows: number;
  /** The most rows of one provider: nobody displaces the others by filing much. */
  rowsPerProvider: number;
  /** The most sums, one per peer, day and kind of task, each about 100 bytes. */
  sums: number;
}
export const DELIVERY_LIMITS: DeliveryLimits = { rows: 250_000, rowsPerProvider: 5_000, sums: 200_000 };

/**
 * What a peer gave and got in tasks of one kind on one day since 1970; day 0 is all that is older, and the peer ''
 * stands for those without a name.
 */
export interface DeliverySum {
  peer: PeerId | '';
  day: number;
  /** The kind, as it is offered. */
  task: TaskName;
  gave: number;
  gave_units: number;
  got: number;
  got_units: number;
}

/** It is kept from now on; as much or more was known already; or why it cannot be kept, as receipt_refused. */
export type Outcome = 'kept' | 'known' | MeshError;

/** A delivery as it was written last: the bytes that were signed, checked when they were filed. */
export interface DeliveryChange {
  /** Higher than that of each change before. */
  readonly change: number;
  /** Null: it was filed before there was a ledger. */
  readonly delivery: Delivery | null;
  readonly lease: Uint8Array;
  readonly proof: Earn['proof'];
}

/** Each method rejects when the store cannot be used right now, and then nothing has changed. */
export interface DeliveryStore {
  /**
   * Decides on each of a batch by `outcomeOf`, one after the other, and writes those that are kept, all in one
   * transaction. Proofs of the same lease in concurrent batches are decided on one after the other. Durable when it
   * resolves, with the outcomes in the order of the batch.
   */
  file(batch: readonly Delivered[], filedMs: number): Promise<Outcome[]>;
  /** The outcome if this were filed now. */
  judge(delivered: Delivered): Promise<Outcome>;
  /** What is kept for this lease; null: nothing, or its part of a sum. */
  find(leaseNonce: Uint8Array): Promise<Kept | null>;
  /**
   * The deliveries that were written, or replaced by fuller proofs, after this change: at most so many, in order. None
   * that was written is left out because a later one was read before. `issuer`: the issuer of all leases here.
   */
  changes(after: number, most: number, issuer: PeerId): Promise<DeliveryChange[]>;
  /** The sums of added-up rows. */
  sums(): Promise<DeliverySum[]>;
  /** The number of proofs that are kept whole, and the size of everything on the disk. */
  size(): Promise<{ rows: number; bytes: number }>;
  /** Adds up what nobody may file any more, some of it at a time, and returns space. Call it now and then. */
  sweep(nowMs: number): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * The outcome for `next`, which all stores decide alike. `kept`: the row of its lease. `isSummed`: leases of its
 * provider that end with its own may remain only as sums, which may include it.
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
