/** What was delivered under a lease, as a proof shows it, and which of two proofs of one lease stands. Pure. */
import { fromBase32 } from '@llmesh/core/base32';
import type { Filing } from '@llmesh/core/control-protocol';
import { MeshError } from '@llmesh/core/errors';
import type { PeerId, TaskId } from '@llmesh/core/ids';
import { leaseOf, readLeases, type Lease, type Leases } from '@llmesh/core/lease';
import { joinReceipt, readAcknowledgement, type Acknowledgement, type Receipt } from '@llmesh/core/receipt';
import { nodeVerify } from '@llmesh/core/node-signatures';

interface Common {
  lease: Lease;
  leaseBytes: Uint8Array;
  taskId: TaskId;
  tokens: number;
  digest: Uint8Array;
}

/** Signed by both ends. */
export interface DeliveredReceipt extends Common, Pick<Receipt, 'promptTokens' | 'startedMs' | 'endedMs'> {
  kind: 'receipt';
  providerHalf: Uint8Array;
  requesterHalf: Uint8Array;
}

/** Signed by the requester, for so much at least. */
export interface DeliveredPart extends Common {
  kind: 'acknowledgement';
  acknowledgement: Uint8Array;
}

export type Delivered = DeliveredReceipt | DeliveredPart;

/** Every signature is checked, and that it is all of one lease of ours. Throws receipt_refused with what is wrong. */
export function readFiling({ lease: text, proof }: Filing, issuer: PeerId): Delivered {
  const leaseBytes = bytesOf(text);
  const leases = readLeases(leaseBytes, nodeVerify);
  if (leases === null || leases.issuer !== issuer) throw refused('Its lease was not given by this mesh.');
  if (proof.kind === 'acknowledgement') {
    const acknowledgement = bytesOf(proof.acknowledgement);
    const read = readAcknowledgement(acknowledgement, nodeVerify);
    if (read === null) throw refused('The requester did not sign it.');
    return { ...underLease(read, leases), leaseBytes, kind: proof.kind, acknowledgement };
  }
  const [providerHalf, requesterHalf] = [bytesOf(proof.provider), bytesOf(proof.requester)];
  const receipt = joinReceipt(providerHalf, requesterHalf, nodeVerify);
  if (receipt === null) throw refused('It is not signed by both ends alike.');
  if (receipt.model !== leases.model) throw refused('It is about another model than its lease.');
  const { promptTokens, startedMs, endedMs } = receipt;
  const delivered = { ...underLease(receipt, leases), leaseBytes, promptTokens, startedMs, endedMs };
  return { ...delivered, kind: proof.kind, providerHalf, requesterHalf };
}

/** What is kept of a lease, as far as it takes to compare. */
export type Standing = Pick<Delivered, 'kind' | 'taskId' | 'tokens' | 'digest'>;

/**
 * Whether `next` takes the place of what is kept. False: what is kept says as much or more, and stays. Throws
 * receipt_refused when they cannot both be true: a lease is good for one task.
 */
export function replaces(kept: Standing | null, next: Standing): boolean {
  if (kept === null) return true;
  const sameText = kept.tokens !== next.tokens || same(kept.digest, next.digest);
  if (kept.taskId !== next.taskId || !sameText) throw refused('There is another one for its lease.');
  if (kept.kind === next.kind) {
    if (kept.kind === 'receipt' && kept.tokens !== next.tokens) throw refused('There is another one for its lease.');
    return next.tokens > kept.tokens;
  }
  const [part, whole] = kept.kind === 'receipt' ? [next, kept] : [kept, next];
  if (part.tokens > whole.tokens) throw refused('The requester signed for more than the receipt says.');
  return next.kind === 'receipt';
}

function underLease(shown: Acknowledgement, leases: Leases): Omit<Common, 'leaseBytes'> {
  const { requester, provider, leaseNonce, taskId, tokens, digest } = shown;
  const lease = leaseOf(leases, provider);
  if (lease === null || requester !== lease.requester || !same(leaseNonce, lease.nonce)) {
    throw refused('It is not about its lease.');
  }
  if (tokens > lease.maxTokens) throw refused('It is about more than its lease allows.');
  return { lease, taskId, tokens, digest };
}

function bytesOf(base32: string): Uint8Array {
  const bytes = fromBase32(base32);
  if (bytes === null) throw refused('It cannot be read.');
  return bytes;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}

function refused(why: string): MeshError {
  return new MeshError('receipt_refused', `This receipt is not kept. ${why}`);
}
