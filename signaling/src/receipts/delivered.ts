/** What was delivered under a lease, according to a proof, and which of two proofs of one lease counts. Pure. */
import { hash } from 'node:crypto';
import { sameBytes } from '@llmesh/core/wire/canonical';
import { base32Bytes, readBase32 } from '@llmesh/core/base/base32';
import type { Filing } from '@llmesh/core/wire/control-protocol';
import { MeshError } from '@llmesh/core/base/errors';
import { checkedElsewhere, type SigningDomain } from '@llmesh/core/identity/identity';
import type { PeerId, TaskId } from '@llmesh/core/base/ids';
import { leaseOf, readLeases, type Lease, type Leases } from '@llmesh/core/receipts/lease';
import {
  completed,
  readAcknowledgement,
  readReceipt,
  type Acknowledgement,
  type Receipt,
} from '@llmesh/core/receipts/receipt';
import type { IssuedLease, IssuedLeases } from './issued-leases.ts';
import type { Signed } from './signature-threads.ts';

interface Common {
  lease: Lease;
  leaseBytes: Uint8Array;
  /** We know the lease by its bytes, and needn't check our own signature. */
  issued?: IssuedLease | undefined;
  /** The seed of the leases: what was put aside for them is known by it. */
  hold: Uint8Array;
  taskId: TaskId;
  units: number;
  digest: Uint8Array;
}

/** A delivery that both ends signed. */
export interface DeliveredReceipt extends Common, Pick<Receipt, 'inputUnits' | 'startedMs' | 'endedMs'> {
  kind: 'receipt';
  providerHalf: Uint8Array;
  requesterHalf: Uint8Array;
}

/** A part that the requester signed: at least this much was delivered. */
export interface DeliveredPart extends Common {
  kind: 'acknowledgement';
  acknowledgement: Uint8Array;
}

export type Delivered = DeliveredReceipt | DeliveredPart;

/** Whose leases count. */
export interface Ours {
  readonly issuer: PeerId;
  /** Those that are known by their bytes. */
  readonly issued?: IssuedLeases;
}

/**
 * The delivery of a filing, if it is all about one lease that we issued, and about the peer that files it. Does not
 * check signatures yet: see `checksOf`. Throws receipt_refused with what is wrong.
 */
export function readFiling({ lease, proof }: Filing, ours: Ours, by: PeerId): Delivered {
  if (proof.kind === 'acknowledgement') {
    const [acknowledgement, leaseBytes] = bytesOf(proof.acknowledgement, lease);
    const read = readAcknowledgement(acknowledgement, checkedElsewhere);
    if (read === null) throw refused(NOT_ACKNOWLEDGED);
    const { leases, issued } = leasesFor(read, by, leaseBytes, ours);
    const { taskId, units, digest } = read;
    const one = underLease(read, leases);
    return {
      kind: proof.kind,
      lease: one,
      leaseBytes,
      issued,
      hold: leases.seed,
      taskId,
      units,
      digest,
      acknowledgement,
    };
  }
  const [providerHalf, requesterHalf, leaseBytes] = bytesOf(proof.provider, proof.requester, lease);
  // One half first: filing what is about others is cheap to refuse.
  const half = readReceipt(providerHalf, checkedElsewhere);
  if (half === null) throw refused(NOT_BY_BOTH);
  const { leases, issued } = leasesFor(half.receipt, by, leaseBytes, ours);
  const { receipt } = half;
  if (half.by !== 'provider' || completed(receipt, providerHalf, requesterHalf, checkedElsewhere) === null)
    throw refused(NOT_BY_BOTH);
  if (receipt.task !== leases.task) throw refused('It is about another kind of task than its lease.');
  if (receipt.model !== leases.model) throw refused('It is about another model than its lease.');
  if (receipt.price !== leases.price || receipt.priceVersion !== leases.priceVersion)
    throw refused('It names another price than its lease.');
  const { taskId, units, digest, inputUnits, startedMs, endedMs } = receipt;
  return {
    kind: proof.kind,
    lease: underLease(receipt, leases),
    leaseBytes,
    issued,
    hold: leases.seed,
    taskId,
    units,
    digest,
    inputUnits,
    startedMs,
    endedMs,
    providerHalf,
    requesterHalf,
  };
}

function leasesFor(
  { requester, provider }: Acknowledgement,
  by: PeerId,
  bytes: Uint8Array,
  { issuer, issued }: Ours,
): { leases: Leases; issued: IssuedLease | undefined } {
  if (by !== requester && by !== provider) throw refused('It is about other peers than the one that files it.');
  const known = issued?.find(bytes) ?? undefined;
  const leases = known?.leases ?? readLeases(bytes, checkedElsewhere);
  if (leases === null || leases.issuer !== issuer) throw refused(NOT_OURS);
  return { leases, issued: known };
}

/** One signature of a delivery, and why it is refused when that is wrong, as a sentence. */
export interface SignatureCheck extends Signed {
  readonly why: string;
}

/** Its signatures, ours first: that key is at hand, and without a lease of ours nobody gets any further. */
export function checksOf(delivered: Delivered): SignatureCheck[] {
  const check = (domain: SigningDomain, record: Uint8Array, why: string) => ({ domain, record, why });
  const ours = delivered.issued !== undefined ? [] : [check('lease', delivered.leaseBytes, NOT_OURS)];
  if (delivered.kind === 'acknowledgement') {
    return [...ours, check('acknowledgement', delivered.acknowledgement, NOT_ACKNOWLEDGED)];
  }
  const { providerHalf, requesterHalf } = delivered;
  return [...ours, check('receipt', providerHalf, NOT_BY_BOTH), check('receipt', requesterHalf, NOT_BY_BOTH)];
}

const NOT_OURS = 'Its lease was not issued by this mesh.';
const NOT_ACKNOWLEDGED = 'The requester did not sign it.';
const NOT_BY_BOTH = 'The two ends signed different things.';

/** What is kept for a lease, as far as comparisons need it. */
export type Kept = Pick<Delivered, 'kind' | 'taskId' | 'units' | 'digest'> & Pick<Lease, 'requester' | 'provider'>;

export function keptOf({ kind, taskId, units, digest, lease: { requester, provider } }: Delivered): Kept {
  return { kind, taskId, units, digest, requester, provider };
}

/**
 * Does `next` replace what is kept? False: what is kept says as much or more, and stays. Throws receipt_refused when
 * they cannot both be true: a lease is valid for one task.
 */
export function replaces(kept: Kept | null, next: Kept): boolean {
  if (kept === null) return true;
  const sameText = kept.units !== next.units || sameBytes(kept.digest, next.digest);
  const sameEnds = kept.requester === next.requester && kept.provider === next.provider;
  if (kept.taskId !== next.taskId || !sameEnds || !sameText) throw refused('Its lease already has another one.');
  if (kept.kind === next.kind) {
    if (kept.kind === 'receipt' && kept.units !== next.units) throw refused('Its lease already has another one.');
    return next.units > kept.units;
  }
  const [part, whole] = kept.kind === 'receipt' ? [next, kept] : [kept, next];
  if (part.units > whole.units) throw refused('The requester signed for more than the receipt says.');
  return next.kind === 'receipt';
}

function underLease({ requester, provider, leaseNonce, units }: Acknowledgement, leases: Leases): Lease {
  const lease = leaseOf(leases, provider, nodeSha256);
  if (lease === null || requester !== lease.requester || !sameBytes(leaseNonce, lease.nonce)) {
    throw refused('It is not about its lease.');
  }
  if (units > lease.maxUnits) throw refused('It is about more than its lease allows.');
  return lease;
}

/** Filings are read into pieces of memory of this size, some forty into each: to get one costs as much as to read a filing. */
const PIECE_BYTES = 65_536;
let piece = new Uint8Array(PIECE_BYTES);
let used = 0;

/** No Buffers: parts of those are dear. */
function bytesOf<const Texts extends readonly string[]>(...texts: Texts): { [I in keyof Texts]: Uint8Array } {
  const read = texts.map((text) => {
    const bytes = room(base32Bytes(text));
    if (!readBase32(text, bytes)) throw refused('It cannot be read.');
    return bytes;
  });
  return read as unknown as { [I in keyof Texts]: Uint8Array };
}

/** So many bytes that nobody has written to. */
function room(length: number): Uint8Array {
  if (length > PIECE_BYTES) return new Uint8Array(length);
  if (used + length > PIECE_BYTES) [piece, used] = [new Uint8Array(PIECE_BYTES), 0];
  const bytes = new Uint8Array(piece.buffer, used, length);
  used += length;
  return bytes;
}

/** Several times as fast as in JavaScript. */
function nodeSha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}

/** `why`: a sentence. */
export function refused(why: string): MeshError {
  return new MeshError('receipt_refused', `This receipt is not kept. ${why}`);
}
