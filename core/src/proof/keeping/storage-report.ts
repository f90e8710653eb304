/**
 * What a peer found that asked a keeper for leaves of a model, signed. One format for the wire, and for the leaf of the log that
 * pays the keeper. The draw decides which leaves are asked for, so that neither keeper nor asker chooses them.
 */
import * as v from 'valibot';
import { sha256 } from '@noble/hashes/sha2.js';
import { isContentId, isPeerId, type ContentId, type PeerId } from '../../base/ids.ts';
import type { Identity } from '../../identity/identity.ts';
import { verify } from '../../identity/identity.ts';
import { openRecord, signRecord } from '../../identity/signed-record.ts';
import { canonical, readCanonical } from '../../wire/canonical.ts';
import { MAX_STORAGE_REPORT_BYTES } from '../../wire/audit-messages.ts';

/**
 * `kept`: every leaf came, right and in time. `late`: right, but so late that it may have come from somewhere else. `wrong`: a leaf was
 * another, or the keeper said that it does not have it. `unreachable`: nothing can be said about it.
 */
const STORAGE_OUTCOMES = ['kept', 'late', 'wrong', 'unreachable'] as const;
export type StorageOutcome = (typeof STORAGE_OUTCOMES)[number];
/** Leaves that are asked for in one check, one after another. */
export const LEAVES_ASKED = 4;
const DIGEST_BYTES = 32;
const VERSION = 1;

export interface StorageReport {
  readonly keeper: PeerId;
  /** Who asked, and signed this. */
  readonly asker: PeerId;
  readonly content: ContentId;
  /** All files of it together, as its manifest says; 0 where it is not known. */
  readonly sizeBytes: number;
  /** The hour that it is for, in epochs of `ledger/emission.ts`. */
  readonly epoch: number;
  readonly outcome: StorageOutcome;
  /** The longest that one leaf took, in milliseconds. */
  readonly slowestMs: number;
  /** SHA-256 over the hashes of the leaves in the order in which they were asked for; zeros where none came. */
  readonly leaves: Uint8Array;
}

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const ReportSchema = v.strictTuple([
  v.literal(VERSION),
  v.custom<PeerId>(isPeerId),
  v.custom<PeerId>(isPeerId),
  v.custom<ContentId>(isContentId),
  whole,
  whole,
  v.picklist(STORAGE_OUTCOMES),
  whole,
  v.pipe(v.instance(Uint8Array), v.length(DIGEST_BYTES)),
]);

/** The asker is whoever signs. */
export function signStorageReport(
  { keeper, content, sizeBytes, epoch, outcome, slowestMs, leaves }: Omit<StorageReport, 'asker'>,
  asker: Identity,
): Promise<Uint8Array<ArrayBuffer>> {
  const fields = [VERSION, keeper, asker.peerId, content, sizeBytes, epoch, outcome, slowestMs, leaves];
  return signRecord('storage-report', canonical(fields), asker);
}

/** The report, signed by the asker that it names, who is not the keeper; otherwise null. The signature is checked last. */
export function readStorageReport(bytes: Uint8Array, check = verify): StorageReport | null {
  const unchecked = openRecord('storage-report', bytes, MAX_STORAGE_REPORT_BYTES, () => true);
  const fields = unchecked === null ? null : readCanonical(ReportSchema, unchecked.body);
  if (unchecked === null || fields === null) return null;
  const [, keeper, asker, content, sizeBytes, epoch, outcome, slowestMs, leaves] = fields;
  if (unchecked.signer !== asker || asker === keeper) return null;
  if (openRecord('storage-report', bytes, MAX_STORAGE_REPORT_BYTES, check) === null) return null;
  return { keeper, asker, content, sizeBytes, epoch, outcome, slowestMs, leaves: new Uint8Array(leaves) };
}

/** The check of one keeper's copy in one epoch, as draws know it: what a receipt is to an audit. */
export function storageCheck(epoch: number, keeper: PeerId, content: ContentId): Uint8Array {
  return sha256(canonical(['llmesh/1/storage', epoch, keeper, content]));
}

/** The leaves that this draw asks for, of so many that the content has; the same one may come twice. */
export function drawnLeaves(beta: Uint8Array, check: Uint8Array, leaves: number): number[] {
  return Array.from({ length: LEAVES_ASKED }, (_, round) => {
    const digest = sha256(canonical(['llmesh/1/leaf', beta, check, round]));
    const view = new DataView(digest.buffer, digest.byteOffset);
    // 48 bits: there are fewer than 2 ** 27 leaves, so what is left of the fairness of a remainder is nothing.
    return (view.getUint32(0) * 2 ** 16 + view.getUint16(4)) % leaves;
  });
}
