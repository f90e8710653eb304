/**
 * What was delivered, in writing. While an answer streams, the requester signs acknowledgements of what it has so far;
 * at the end both sign one receipt. A provider that loses its requester, or crashes, still holds the last of them.
 */
import * as v from 'valibot';
import { canonical, readCanonical, sameBytes } from '../wire/canonical.ts';
import { DIGEST_BYTES } from './digest-chain.ts';
import { MeshError } from '../base/errors.ts';
import { HALF_BYTES } from '../protocol.ts';
import { verify, type Identity } from '../identity/identity.ts';
import {
  isModelId,
  isPeerId,
  isTaskId,
  isTaskName,
  type ModelId,
  type PeerId,
  type TaskId,
  type TaskName,
} from '../base/ids.ts';
import { LEASE_NONCE_BYTES } from './lease.ts';
import { COMMITMENT_BYTES } from './request-commitment.ts';
import { openRecord, RECORD_OVERHEAD_BYTES, signRecord } from '../identity/signed-record.ts';

export const MAX_ACKNOWLEDGEMENT_BYTES = 384;
export const MAX_RECEIPT_BYTES = 640;

/** All that a third party needs to know what was owed to whom, under which lease. */
export interface Acknowledgement {
  readonly taskId: TaskId;
  readonly requester: PeerId;
  readonly provider: PeerId;
  readonly leaseNonce: Uint8Array;
  /** The digest of the request: `request-commitment.ts`. */
  readonly commitment: Uint8Array;
  /** Units delivered so far. */
  readonly units: number;
  /** The digest of those units: `digest-chain.ts`. */
  readonly digest: Uint8Array;
}

export interface Receipt extends Acknowledgement {
  /** The task's kind, as it is offered. */
  readonly task: TaskName;
  readonly model: ModelId;
  /** Micro-credits for 1,000 units, as its lease says. */
  readonly price: number;
  /** How the price was computed, as its lease says: `PRICE_VERSION`. */
  readonly priceVersion: number;
  /** The input that was read, in units of its kind. */
  readonly inputUnits: number;
  /** The SHA-256 of the packed result. */
  readonly result: Uint8Array;
  /** Milliseconds since 1970, by the clock of the control plane as the provider knows it. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** The provider's half of the seed of its draws, as it was accepted with; null: they cannot be repeated. */
  readonly half: Uint8Array | null;
}

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const peerId = v.custom<PeerId>(isPeerId);
const bytesOf = (length: number) => v.pipe(v.instance(Uint8Array), v.length(length));
const common = [
  v.custom<TaskId>(isTaskId),
  peerId,
  peerId,
  bytesOf(LEASE_NONCE_BYTES),
  bytesOf(COMMITMENT_BYTES),
  whole,
  bytesOf(DIGEST_BYTES),
] as const;
/** The format of acknowledgements. */
const ACKNOWLEDGEMENT_VERSION = 2;
/** The format of receipts. */
const VERSION = 4;
/** Receipts without the price, when everything was free: peers keep some that they signed before they were updated. */
const FREE_VERSION = 3;
/** Those without `half` either. */
const OLD_VERSION = 2;
const AcknowledgementSchema = v.strictTuple([v.literal(ACKNOWLEDGEMENT_VERSION), ...common]);
const facts = [
  v.custom<TaskName>(isTaskName),
  v.custom<ModelId>(isModelId),
  whole,
  bytesOf(DIGEST_BYTES),
  whole,
  whole,
] as const;
const half = v.nullable(bytesOf(HALF_BYTES));
const ReceiptSchema = v.union([
  v.strictTuple([v.literal(VERSION), ...common, ...facts, half, whole, whole]),
  v.strictTuple([v.literal(FREE_VERSION), ...common, ...facts, half]),
  v.strictTuple([v.literal(OLD_VERSION), ...common, ...facts]),
]);

/** Signs as the requester. */
export function signAcknowledgement(
  acknowledgement: Acknowledgement,
  requester: Identity,
): Promise<Uint8Array<ArrayBuffer>> {
  return signRecord(
    'acknowledgement',
    canonical([ACKNOWLEDGEMENT_VERSION, ...commonFields(acknowledgement)]),
    requester,
  );
}

/** The acknowledgement, signed by the requester that it names; otherwise null. */
export function readAcknowledgement(bytes: Uint8Array, check = verify): Acknowledgement | null {
  const record = openRecord('acknowledgement', bytes, MAX_ACKNOWLEDGEMENT_BYTES, check);
  const fields = record === null ? null : readCanonical(AcknowledgementSchema, record.body);
  if (record === null || fields === null) return null;
  const [, taskId, requester, provider, leaseNonce, commitment, units, digest] = fields;
  if (record.signer !== requester) return null;
  const ends = { taskId, requester, provider, leaseNonce: copy(leaseNonce) };
  return { ...ends, commitment: copy(commitment), units, digest: copy(digest) };
}

/** One half of a receipt: the same text, signed by the provider or by the requester. */
export function signReceipt(receipt: Receipt, identity: Identity): Promise<Uint8Array<ArrayBuffer>> {
  return signRecord('receipt', canonical([VERSION, ...receiptFields(receipt)]), identity);
}

/** The receipt, and which of the two parties that it names signed this half; null when neither did. */
export function readReceipt(
  signedHalf: Uint8Array,
  check = verify,
): { receipt: Receipt; by: 'requester' | 'provider' } | null {
  const record = openRecord('receipt', signedHalf, MAX_RECEIPT_BYTES, check);
  const fields = record === null ? null : readCanonical(ReceiptSchema, record.body);
  if (record === null || fields === null) return null;
  const [, taskId, requester, provider, nonce, commitment, units, digest, ...rest] = fields;
  const [task, model, inputUnits, result, startedMs, endedMs, drawn = null, price = 0, priceVersion = 0] = rest;
  if (endedMs < startedMs || requester === provider) return null;
  const by = record.signer === provider ? 'provider' : record.signer === requester ? 'requester' : null;
  if (by === null) return null;
  const receipt: Receipt = {
    taskId,
    requester,
    provider,
    leaseNonce: copy(nonce),
    commitment: copy(commitment),
    units,
    digest: copy(digest),
    task,
    model,
    inputUnits,
    result: copy(result),
    startedMs,
    endedMs,
    half: drawn === null ? null : copy(drawn),
    price,
    priceVersion,
  };
  return { receipt, by };
}

/** The receipt that both signed; null: the halves differ in something, or a signature is missing. */
export function joinReceipt(providerHalf: Uint8Array, requesterHalf: Uint8Array, check = verify): Receipt | null {
  const provider = readReceipt(providerHalf, check);
  return provider?.by === 'provider' ? completed(provider.receipt, providerHalf, requesterHalf, check) : null;
}

/** `receipt`, as it was read from the provider's half, when the requester signed the same; otherwise null. */
export function completed(
  receipt: Receipt,
  providerHalf: Uint8Array,
  requesterHalf: Uint8Array,
  check = verify,
): Receipt | null {
  if (sameBytes(providerHalf.subarray(RECORD_OVERHEAD_BYTES), requesterHalf.subarray(RECORD_OVERHEAD_BYTES))) {
    // What was read once says the same again.
    const record = openRecord('receipt', requesterHalf, MAX_RECEIPT_BYTES, check);
    return record?.signer === receipt.requester ? receipt : null;
  }
  // Another format, by a peer that was updated in between.
  const requester = readReceipt(requesterHalf, check);
  return requester?.by === 'requester' && sameReceipt(receipt, requester.receipt) ? receipt : null;
}

/**
 * The requester's half, when the provider's matches what the requester saw: `seen` is everything but the times and what
 * was read, which only the provider counts; the requester just knows an upper limit for the latter. Throws
 * receipt_refused on anything else, and then nothing was signed.
 */
export async function countersign(
  providerHalf: Uint8Array,
  seen: Acknowledgement &
    Pick<Receipt, 'task' | 'model' | 'price' | 'priceVersion' | 'result' | 'half'> & { maxInputUnits: number },
  requester: Identity,
  check = verify,
): Promise<Uint8Array<ArrayBuffer>> {
  const read = readReceipt(providerHalf, check);
  if (read?.by !== 'provider') throw unacceptable();
  const { receipt } = read;
  const { inputUnits, startedMs, endedMs } = receipt;
  if (inputUnits > seen.maxInputUnits) throw unacceptable();
  if (!sameReceipt(receipt, { ...seen, inputUnits, startedMs, endedMs })) throw unacceptable();
  return signReceipt(receipt, requester);
}

function sameReceipt(a: Receipt, b: Receipt): boolean {
  return sameBytes(canonical(receiptFields(a)), canonical(receiptFields(b)));
}

function commonFields(of: Acknowledgement): unknown[] {
  return [of.taskId, of.requester, of.provider, of.leaseNonce, of.commitment, of.units, of.digest];
}

function receiptFields(of: Receipt): unknown[] {
  const { task, model, inputUnits, result, startedMs, endedMs, half: drawn, price, priceVersion } = of;
  return [...commonFields(of), task, model, inputUnits, result, startedMs, endedMs, drawn, price, priceVersion];
}

function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function unacceptable(): MeshError {
  return new MeshError(
    'receipt_refused',
    'The volunteer’s receipt does not say what was delivered. It was not signed.',
  );
}
