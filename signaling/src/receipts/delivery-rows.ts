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

const KEPT = 'SELECT lease_nonce, kind, task_id, units, digest, requester, provider FROM delivery';
/** Finds what is kept for a lease, by its nonce; see `keptIn`. */
export const FIND = `${KEPT} WHERE lease_nonce = ?`;
/** The same for many, by a JSON list of their names: see `nameOf`. */
export const FIND_ALL = `${KEPT} WHERE lease_nonce IN (SELECT unhex(value) FROM json_each(?))`;

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
    blob(nonce),
    taskId,
    requester,
    provider,
    task,
    model,
    price,
    kind,
    units,
    blob(digest),
    receipt?.inputUnits ?? null,
    receipt?.startedMs ?? null,
    receipt?.endedMs ?? null,
    blob(leaseBytes),
    blob(part?.acknowledgement),
    blob(receipt?.providerHalf),
    blob(receipt?.requesterHalf),
    filedMs,
    expiresAt,
    change,
    blob(delivered.hold),
  ];
}

export interface KeptRow {
  lease_nonce: ArrayBuffer;
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

/** As `changeIn` reads it, once `delivered` was written with this number. */
export function changeOf(delivered: Delivered, change: number, issuer: PeerId): DeliveryChange {
  const { lease, leaseBytes, units, kind, hold } = delivered;
  const { requester, provider, task, model, price, expiresAt } = lease;
  const nonce = toBase32(lease.nonce);
  const complete = kind === 'receipt';
  const proof: DeliveryChange['proof'] =
    delivered.kind === 'receipt'
      ? { kind: 'receipt', provider: delivered.providerHalf, requester: delivered.requesterHalf }
      : { kind: 'acknowledgement', acknowledgement: delivered.acknowledgement };
  const who = {
    issuer,
    requester,
    provider,
    nonce,
    hold: toBase32(hold),
    task,
    model,
    price,
    units,
    expiresAt,
    complete,
  };
  return { change, delivery: who, lease: leaseBytes, proof };
}

/** What a lease is known by while a batch is decided on: its nonce in hexadecimal digits. */
export function nameOf(leaseNonce: Uint8Array): string {
  return blob(leaseNonce).toString('hex');
}

function proofIn(row: ChangeRow): DeliveryChange['proof'] {
  const { acknowledgement, provider_half: provider, requester_half: requester } = row;
  // The table has one or the other.
  return acknowledgement === null
    ? { kind: 'receipt', provider: new Uint8Array(provider!), requester: new Uint8Array(requester!) }
    : { kind: 'acknowledgement', acknowledgement: new Uint8Array(acknowledgement) };
}

/** A window on the same bytes, not a copy: the binding takes a Buffer. */
function blob(bytes: Uint8Array): Buffer;
function blob(bytes: Uint8Array | undefined): Buffer | null;
function blob(bytes: Uint8Array | undefined): Buffer | null {
  return bytes === undefined ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
