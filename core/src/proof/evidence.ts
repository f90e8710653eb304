/**
 * What was asked and what was answered, with the paper that binds the two: neither end can show anybody another request or
 * another answer than those that both signed for.
 */
import * as v from 'valibot';
import { sha256 } from '@noble/hashes/sha2.js';
import { MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import { verify } from '../identity/identity.ts';
import { MAX_INPUT_BYTES, MAX_PIECE_BYTES, MAX_TOKEN_IDS, SALT_BYTES, tokenIds } from '../protocol.ts';
import { DigestChain } from '../receipts/digest-chain.ts';
import { leaseOf, readLeases, type Lease } from '../receipts/lease.ts';
import { joinReceipt, readReceipt, type Receipt } from '../receipts/receipt.ts';
import { requestCommitment } from '../receipts/request-commitment.ts';
import { packBody, readBody } from '../wire/body.ts';
import { sameBytes } from '../wire/canonical.ts';
import { bytes, count, MAX_RECORD_BYTES, modelId, sha256 as fileDigest, taskName } from '../wire/fields.ts';
import { CHAT } from '../wire/model-advert.ts';
import { MAX_AUDITED_TOKENS } from './audit-report.ts';
import { isEngineName, type EngineName } from './engine-name.ts';
import { drawsOf, seededDraws } from './seeds.ts';

/** Kinds of task whose answers can be checked; both are offered as `chat`. */
const CHECKED_TASKS: ReadonlySet<string> = new Set(['chat', 'completion']);

const EvidenceSchema = v.object({
  request: v.object({
    task: taskName,
    model: modelId,
    file: fileDigest,
    input: bytes(MAX_INPUT_BYTES),
    maxUnits: v.pipe(count, v.minValue(1)),
    salt: v.pipe(v.instance(Uint8Array), v.length(SALT_BYTES)),
  }),
  /** As the provider's advert said; the control plane knows it, too. */
  engine: v.custom<EngineName>(isEngineName),
  lease: bytes(MAX_RECORD_BYTES),
  providerHalf: bytes(MAX_RECORD_BYTES),
  requesterHalf: bytes(MAX_RECORD_BYTES),
  chunks: v.pipe(
    v.array(v.object({ index: count, units: count, piece: bytes(MAX_PIECE_BYTES) })),
    v.minLength(1),
    v.maxLength(MAX_TOKEN_IDS),
  ),
});
export type Evidence = v.InferOutput<typeof EvidenceSchema>;

/** The part of an answer's piece that is checked: `tasks/answer-messages.ts` has all of it. */
const PieceSchema = v.object({ text: v.string(), tokenIds: v.optional(tokenIds) });
/** The part of an answer's input that decides what is drawn. */
const SeedSchema = v.object({ sampling: v.object({ seed: v.optional(v.number()) }) });

export interface CheckedEvidence {
  readonly receipt: Receipt;
  readonly lease: Lease;
  /** The SHA-256 of the model's file, in hex. */
  readonly file: string;
  /** What the provider computed it with, as it advertised. */
  readonly engine: EngineName;
  /** The SHA-256 of the provider's half: what draws and reports name the answer by. */
  readonly digest: Uint8Array;
  /** The first MAX_AUDITED_TOKENS tokens of the answer. */
  readonly tokenIds: number[];
  /** Units of the same pieces that hold no token: an honest provider has none. */
  readonly padding: number;
  /** The text of the same pieces. Whoever has the vocabulary must see that the tokens spell it. */
  readonly text: string;
  /** What the draws are derived from; null: they cannot be repeated. */
  readonly draws: Uint8Array | null;
}

/** Null: it is larger than a task's input may be, and cannot be sent. */
export function packEvidence(evidence: Evidence): Uint8Array<ArrayBuffer> | null {
  const packed = packBody(evidence);
  return packed.byteLength <= MAX_INPUT_BYTES ? packed : null;
}

/** Null: these bytes are no evidence. Nothing in it is checked yet. */
export function readEvidence(packed: Uint8Array): Evidence | null {
  return packed.byteLength <= MAX_INPUT_BYTES ? readBody(EvidenceSchema, packed) : null;
}

/**
 * Throws receipt_refused for what is no evidence: something in it contradicts the receipt, or is not signed by whom it
 * names; and unsupported where all is well, but nothing can be checked. `evidence`: as it was read. `issuer`: the control
 * plane whose leases count; null: any. Signatures are checked last, `check` is `verify` or one as strict and faster.
 */
export function checkEvidence(evidence: Evidence | null, issuer: PeerId | null, check = verify): CheckedEvidence {
  if (evidence === null) throw refused('it is damaged or cut');
  const { request, lease: leaseBytes, providerHalf, requesterHalf, chunks } = evidence;
  const receipt = readReceipt(providerHalf, () => true)?.receipt;
  const leases = readLeases(leaseBytes, () => true);
  if (receipt === undefined || leases === null) throw refused('its receipt or its lease cannot be read');
  const lease = leaseOf(leases, receipt.provider);
  if (lease === null || !sameBytes(lease.nonce, receipt.leaseNonce))
    throw refused('its lease is that of another answer');
  if (issuer !== null && lease.issuer !== issuer) throw refused('its lease was not issued by this mesh');
  if (lease.requester !== receipt.requester) throw refused('its lease was issued to somebody else');
  const named = [request.model, CHAT].join();
  if ([lease.model, lease.task].join() !== named || [receipt.model, receipt.task].join() !== named) {
    throw refused('its lease, receipt and request do not name the same work');
  }
  if (!sameBytes(requestCommitment(request), receipt.commitment)) throw refused('another request was answered');
  checkChain(evidence, receipt);
  if (readLeases(leaseBytes, check) === null) throw refused('its lease is not signed by who it says');
  if (joinReceipt(providerHalf, requesterHalf, check) === null) throw refused('its receipt is not signed by both ends');
  if (!CHECKED_TASKS.has(request.task)) throw unsupported('Only answers in words can be checked.');
  return {
    receipt,
    lease,
    file: request.file,
    engine: evidence.engine,
    digest: sha256(providerHalf),
    ...written(chunks),
    draws: drawsBehind(request.input, receipt),
  };
}

function checkChain({ chunks }: Evidence, receipt: Receipt): void {
  const chain = new DigestChain(receipt);
  for (const chunk of chunks) {
    if (chunk.index !== chain.units || chunk.units < 1) throw refused('pieces of the answer are missing');
    chain.add(chunk);
  }
  if (chain.units !== receipt.units || !sameBytes(chain.digest, receipt.digest)) {
    throw refused('another answer was delivered');
  }
}

function written(chunks: Evidence['chunks']): Pick<CheckedEvidence, 'tokenIds' | 'padding' | 'text'> {
  const ids: number[] = [];
  let text = '';
  let padding = 0;
  for (const { piece, units } of chunks) {
    const read = readBody(PieceSchema, piece);
    if (read === null) throw unsupported('The pieces of this answer cannot be read.');
    if (read.tokenIds === undefined) throw unsupported('The volunteer did not say which tokens it wrote.');
    // Whole pieces only, so that the tokens spell the text.
    if (ids.length + read.tokenIds.length > MAX_AUDITED_TOKENS) break;
    ids.push(...read.tokenIds);
    padding += Math.max(0, units - read.tokenIds.length);
    text += read.text;
  }
  if (ids.length === 0) throw unsupported('There are no tokens to check in this answer.');
  return { tokenIds: ids, padding: Math.min(padding, MAX_AUDITED_TOKENS - ids.length), text };
}

function drawsBehind(input: Uint8Array, receipt: Receipt): Uint8Array | null {
  const seed = readBody(SeedSchema, input)?.sampling.seed;
  if (receipt.half === null) return null;
  return seed === undefined ? drawsOf({ ...receipt, half: receipt.half }) : seededDraws(seed);
}

function refused(why: string): MeshError {
  return new MeshError('receipt_refused', `This is no evidence: ${why}.`);
}

function unsupported(why: string): MeshError {
  return new MeshError('unsupported', why);
}
