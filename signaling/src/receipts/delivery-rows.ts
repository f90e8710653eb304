/** The columns of a delivery: the one place that knows how it is written and read. See `store/database-schema.ts`. */
import type { PeerId, TaskId } from '@llmesh/core/base/ids';
import type { Delivered, Kept } from './delivered.ts';

const COLUMNS = [
  ...['lease_nonce', 'task_id', 'requester', 'provider', 'task', 'model', 'price', 'kind', 'units', 'digest'],
  ...['input_units', 'started_ms', 'ended_ms'],
  ...['lease', 'acknowledgement', 'provider_half', 'requester_half', 'filed_ms', 'expires_s'],
];

/** Writes a delivery, replacing what was kept for its lease; its values are `valuesOf`. */
export const PUT = `INSERT INTO delivery (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT (lease_nonce) DO UPDATE SET ${COLUMNS.slice(1)
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}`;

/** Finds what is kept for a lease, by its nonce; see `keptIn`. */
export const FIND = 'SELECT kind, task_id, units, digest, requester, provider FROM delivery WHERE lease_nonce = ?';

export function valuesOf(delivered: Delivered, filedMs: number): (string | number | Buffer | null)[] {
  const { lease, leaseBytes, kind, taskId, units, digest } = delivered;
  const { nonce, requester, provider, task, model, price, expiresAt } = lease;
  const receipt = kind === 'receipt' ? delivered : null;
  const part = kind === 'acknowledgement' ? delivered : null;
  return [
    ...[Buffer.from(nonce), taskId, requester, provider, task, model, price, kind, units, Buffer.from(digest)],
    ...[receipt?.inputUnits ?? null, receipt?.startedMs ?? null, receipt?.endedMs ?? null],
    ...[Buffer.from(leaseBytes), blob(part?.acknowledgement)],
    ...[blob(receipt?.providerHalf), blob(receipt?.requesterHalf), filedMs, expiresAt],
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

function blob(bytes: Uint8Array | undefined): Buffer | null {
  return bytes === undefined ? null : Buffer.from(bytes);
}
