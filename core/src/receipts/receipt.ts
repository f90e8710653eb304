/**
 * What was delivered, in writing. While an answer streams the requester signs acknowledgements of what it has so far;
 * at the end both sign one receipt. A provider that loses its requester, or its life, still holds the last of them.
 */
import * as v from 'valibot';
import { canonical, readCanonical } from '../wire/canonical.ts';
import { DIGEST_BYTES } from './digest-chain.ts';
import { MeshError } from '../base/errors.ts';
import { verify, type Identity } from '../identity/identity.ts';
import { isModelId, isPeerId, isTaskId, type ModelId, type PeerId, type TaskId } from '../base/ids.ts';
import { LEASE_NONCE_BYTES } from './lease.ts';
import { openRecord, signRecord } from '../identity/signed-record.ts';

export const MAX_ACKNOWLEDGEMENT_BYTES = 384;
export const MAX_RECEIPT_BYTES = 512;

/** All it takes for a third party to know what was owed to whom, under which lease. */
export interface Acknowledgement {
  readonly taskId: TaskId;
  readonly requester: PeerId;
  readonly provider: PeerId;
  readonly leaseNonce: Uint8Array;
  readonly tokens: number;
  readonly digest: Uint8Array;
}

export interface Receipt extends Acknowledgement {
  readonly model: ModelId;
  readonly promptTokens: number;
  /** Milliseconds since 1970, by the clock of the control plane as the provider knows it. */
  readonly startedMs: number;
  readonly endedMs: number;
}

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const peerId = v.custom<PeerId>(isPeerId);
const bytesOf = (length: number) => v.pipe(v.instance(Uint8Array), v.length(length));
const common = [
  v.custom<TaskId>(isTaskId),
  peerId,
  peerId,
  bytesOf(LEASE_NONCE_BYTES),
  whole,
  bytesOf(DIGEST_BYTES),
] as const;
const AcknowledgementSchema = v.strictTuple([v.literal(1), ...common]);
const ReceiptSchema = v.strictTuple([v.literal(1), ...common, v.custom<ModelId>(isModelId), whole, whole, whole]);

/** By the requester. */
export function signAcknowledgement(
  acknowledgement: Acknowledgement,
  requester: Identity,
): Promise<Uint8Array<ArrayBuffer>> {
  return signRecord('acknowledgement', canonical([1, ...commonFields(acknowledgement)]), requester);
}

/** The acknowledgement, signed by the requester that it names; else null. */
export function readAcknowledgement(bytes: Uint8Array, check = verify): Acknowledgement | null {
  const record = openRecord('acknowledgement', bytes, MAX_ACKNOWLEDGEMENT_BYTES, check);
  const fields = record === null ? null : readCanonical(AcknowledgementSchema, record.body);
  if (record === null || fields === null) return null;
  const [, taskId, requester, provider, leaseNonce, tokens, digest] = fields;
  if (record.signer !== requester) return null;
  return { taskId, requester, provider, leaseNonce: copy(leaseNonce), tokens, digest: copy(digest) };
}

/** One half of a receipt: the same text, signed by the provider or by the requester. */
export function signReceipt(receipt: Receipt, identity: Identity): Promise<Uint8Array<ArrayBuffer>> {
  const { model, promptTokens, startedMs, endedMs } = receipt;
  const fields = [1, ...commonFields(receipt), model, promptTokens, startedMs, endedMs];
  return signRecord('receipt', canonical(fields), identity);
}

/** The receipt and which of the two that it names signed this half; null when neither did. */
export function readReceipt(
  half: Uint8Array,
  check = verify,
): { receipt: Receipt; by: 'requester' | 'provider' } | null {
  const record = openRecord('receipt', half, MAX_RECEIPT_BYTES, check);
  const fields = record === null ? null : readCanonical(ReceiptSchema, record.body);
  if (record === null || fields === null) return null;
  const [, taskId, requester, provider, nonce, tokens, digest, model, promptTokens, startedMs, endedMs] = fields;
  if (endedMs < startedMs || requester === provider) return null;
  const by = record.signer === provider ? 'provider' : record.signer === requester ? 'requester' : null;
  if (by === null) return null;
  const receipt: Receipt = {
    taskId,
    requester,
    provider,
    leaseNonce: copy(nonce),
    tokens,
    digest: copy(digest),
    model,
    promptTokens,
    startedMs,
    endedMs,
  };
  return { receipt, by };
}

/** The receipt that both signed, or null when the halves differ in anything or one of the signatures is missing. */
export function joinReceipt(providerHalf: Uint8Array, requesterHalf: Uint8Array, check = verify): Receipt | null {
  const provider = readReceipt(providerHalf, check);
  const requester = readReceipt(requesterHalf, check);
  if (provider?.by !== 'provider' || requester?.by !== 'requester') return null;
  return sameReceipt(provider.receipt, requester.receipt) ? provider.receipt : null;
}

/**
 * The requester's half, when the provider's says what the requester saw: `seen` is all but the times and the prompt's
 * tokens, which only the provider counts; of those the requester knows the most that there can be. Throws
 * receipt_refused on anything else, and then nothing was signed.
 */
export async function countersign(
  providerHalf: Uint8Array,
  seen: Acknowledgement & { model: ModelId; maxPromptTokens: number },
  requester: Identity,
  check = verify,
): Promise<Uint8Array<ArrayBuffer>> {
  const read = readReceipt(providerHalf, check);
  if (read?.by !== 'provider') throw unacceptable();
  const { receipt } = read;
  const { promptTokens, startedMs, endedMs } = receipt;
  if (promptTokens > seen.maxPromptTokens) throw unacceptable();
  if (!sameReceipt(receipt, { ...seen, promptTokens, startedMs, endedMs })) throw unacceptable();
  return signReceipt(receipt, requester);
}

function sameReceipt(a: Receipt, b: Receipt): boolean {
  const text = (receipt: Receipt) => {
    const { model, promptTokens, startedMs, endedMs } = receipt;
    return canonical([...commonFields(receipt), model, promptTokens, startedMs, endedMs]).join();
  };
  return text(a) === text(b);
}

function commonFields(of: Acknowledgement): unknown[] {
  return [of.taskId, of.requester, of.provider, of.leaseNonce, of.tokens, of.digest];
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
