/** The columns of a delivery: the one place that knows how it is written and read. See `store/database-schema.ts`. */
import { toBase32 } from '@llmesh/core/base/base32';
import type { ModelId, PeerId, TaskId, TaskName } from '@llmesh/core/base/ids';
import type { Delivered, Kept } from './delivered.ts';
import type { DeliveryChange } from './delivery-store.ts';

const COLUMNS = [
  ...['lease_nonce', 'task_id', 'requester', 'provider', 'task', 'model', 'price', 'kind', 'units', 'digest'],
  ...['input_units', 'started_ms', 'ended_ms'],
  ...['lease', 'acknowledgement', 'provider_half', 'requester_half', 'filed_ms', 'expires_s', 'change', 'hold'],
];

/** Writes a delivery, replacing what was kept for its lease; its values are `valuesOf`. */
export const PUT = `INSERT INTO delivery (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT (lease_nonce) DO UPDATE SET ${COLUMNS.slice(1)
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}`;

/** Finds what is kept for a lease, by its nonce; see `keptIn`. */
export const FIND = 'SELECT kind, task_id, units, digest, requester, provider FROM delivery WHERE lease_nonce = ?';

/** The changes after one, in order; see `changeIn`. */
export const CHANGES = `SELECT change, lease_nonce, hold, requester, provider, task, model, price, units, kind, expires_s,
  lease, acknowledgement, provider_half, requester_half FROM delivery WHERE change > ? ORDER BY change LIMIT ?`;

/** `change`: the number of this change. */
export function valuesOf(delivered: Delivered, filedMs: number, change: number): (string | number | Buffer | null)[] {
  const { lease, leaseBytes, kind, taskId, units, digest } = delivered;
  const { nonce, requester, provider, task, model, price, expiresAt } = lease;
  const receipt = kind === 'receipt' ? delivered : null;
  const part = kind === 'acknowledgement' ? delivered : null;
  return [
    ...[Buffer.from(nonce), taskId, requester, provider, task, model, price, kind, units, Buffer.from(digest)],
    ...[receipt?.inputUnits ?? null, receipt?.startedMs ?? null, receipt?.endedMs ?? null],
    ...[Buffer.from(leaseBytes), blob(part?.acknowledgement)],
    ...[
      blob(receipt?.providerHalf),
      blob(receipt?.requesterHalf),
      filedMs,
      expiresAt,
      change,
      Buffer.from(delivered.hold),
    ],
  ];
}

export interface KeptRow {
  kind: Delivered['kind'];
  task_id: TaskId;
  units: number;
  digest: ArrayBuffer;
  requester: PeerId;
  provider: PeerId;
}

export function keptIn({ kind, task_id: taskId, units, digest, requester, provider }: KeptRow): Kept {
  return { kind, taskId, units, digest: new Uint8Array(digest), requester, provider };
}

export interface ChangeRow {
  change: number;
  lease_nonce: ArrayBuffer;
  hold: ArrayBuffer | null;
  requester: PeerId;
  provider: PeerId;
  task: TaskName;
  model: ModelId;
  price: number;
  units: number;
  kind: Delivered['kind'];
  expires_s: number;
  lease: ArrayBuffer;
  acknowledgement: ArrayBuffer | null;
  provider_half: ArrayBuffer | null;
  requester_half: ArrayBuffer | null;
}

/** `issuer`: whose leases these are; only ours are kept. */
export function changeIn(row: ChangeRow, issuer: PeerId): DeliveryChange {
  const { change, requester, provider, task, model, price, units, kind, expires_s: expiresAt } = row;
  const nonce = toBase32(new Uint8Array(row.lease_nonce));
  const what = { issuer, requester, provider, nonce, task, model, price, units, expiresAt };
  const delivery = row.hold && { ...what, hold: toBase32(new Uint8Array(row.hold)), complete: kind === 'receipt' };
  return { change, delivery, lease: new Uint8Array(row.lease), proof: proofIn(row) };
}

function proofIn(row: ChangeRow): DeliveryChange['proof'] {
  const { acknowledgement, provider_half: provider, requester_half: requester } = row;
  // The table has one or the other.
  return acknowledgement === null
    ? { kind: 'receipt', provider: new Uint8Array(provider!), requester: new Uint8Array(requester!) }
    : { kind: 'acknowledgement', acknowledgement: new Uint8Array(acknowledgement) };
}

function blob(bytes: Uint8Array | undefined): Buffer | null {
  return bytes === undefined ? null : Buffer.from(bytes);
}
