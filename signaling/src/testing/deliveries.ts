/** Deliveries that nobody signed: a store does not check signatures. */
import { newPeerId, newTaskId, type ModelId, type PeerId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { DeliveredPart, DeliveredReceipt } from '../receipts/delivered.ts';

export const NOW_S = 1_800_000_000;

export interface Terms {
  requester?: PeerId;
  provider?: PeerId;
  /** Seconds since 1970. */
  expiresAt?: number;
  units?: number;
}

/** A receipt that both signed, under a lease of its own. */
export function receiptOf(terms: Terms = {}): DeliveredReceipt {
  const { requester = newPeerId(), provider = newPeerId(), expiresAt = NOW_S, units = 10 } = terms;
  const model = 'm' as ModelId;
  const lease = {
    issuer: provider,
    requester,
    provider,
    model,
    task: 'chat',
    complexity: 1_000,
    price: 0,
    priceVersion: 1,
    maxUnits: 64,
    expiresAt,
    nonce: randomBytes(16),
  };
  return {
    kind: 'receipt',
    lease,
    leaseBytes: randomBytes(100),
    hold: randomBytes(16),
    taskId: newTaskId(),
    units,
    digest: randomBytes(32),
    inputUnits: 1,
    startedMs: 1,
    endedMs: 2,
    providerHalf: randomBytes(100),
    requesterHalf: randomBytes(100),
  };
}

/** What the requester had signed before: this many units of the same answer. */
export function partOf({ lease, leaseBytes, hold, taskId }: DeliveredReceipt, units: number): DeliveredPart {
  // The same units are the same text.
  const digest = new Uint8Array(32).fill(units);
  return { kind: 'acknowledgement', lease, leaseBytes, hold, taskId, units, digest, acknowledgement: randomBytes(100) };
}
