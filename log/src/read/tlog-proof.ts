/** One file that proves, offline, that a leaf is in a log: C2SP tlog-proof. */
import { fromBase64, readHash, toBase64 } from '../base/base64.ts';
import { readDecimal } from '../base/decimal.ts';
import type { CheckSignature } from '../base/ed25519.ts';
import { leafHash } from '../base/hashing.ts';
import { LogError } from '../base/log-error.ts';
import { noteText, utf8 } from '../base/text.ts';
import { MAX_NOTE_BYTES } from '../note/note.ts';
import { MAX_PROOF_HASHES, provesInclusion } from '../tree/proof.ts';
import { judge, type Judged } from '../witness/judge.ts';
import type { Policy } from '../witness/policy.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';
/** What may be told besides; nobody has signed it. */
export const MAX_EXTRA_BYTES = 98_304;
export const MAX_TLOG_PROOF_BYTES = 256 + (MAX_EXTRA_BYTES / 3) * 4 + MAX_PROOF_HASHES * 45 + MAX_NOTE_BYTES;
/** How such a file's name ends. */
export const TLOG_PROOF_ENDING = '.tlog-proof';

export interface TlogProof {
  /** Null: nothing is told besides. */
  readonly extra: Uint8Array | null;
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
  /** The checkpoint with its signatures, as the log served it. */
  readonly note: string;
}

export function writeTlogProof({ extra, index, hashes, note }: TlogProof): string {
  const lines = [
    HEADER,
    ...(extra === null ? [] : [`extra ${toBase64(extra)}`]),
    `index ${index}`,
    ...hashes.map(toBase64),
    '',
    note,
  ];
  return lines.join('\n');
}

/** Null: it is no such file. Nothing in it has been checked. */
export function readTlogProof(bytes: Uint8Array): TlogProof | null {
  const text = bytes.byteLength <= MAX_TLOG_PROOF_BYTES ? noteText(bytes) : null;
  const split = text?.indexOf('\n\n') ?? -1;
  if (text === null || split < 0) return null;
  const [header, ...lines] = text.slice(0, split).split('\n');
  const told = lines[0]?.startsWith('extra ') === true ? lines.shift() : undefined;
  const extra = told === undefined ? null : fromBase64(told.slice(6));
  const [at = '', ...siblings] = lines;
  const index = at.startsWith('index ') ? readDecimal(at.slice(6)) : null;
  if (header !== HEADER || index === null || siblings.length > MAX_PROOF_HASHES) return null;
  if (told !== undefined && (extra === null || extra.byteLength > MAX_EXTRA_BYTES)) return null;
  const hashes = siblings.map(readHash);
  const note = text.slice(split + 2);
  return hashes.every((hash) => hash !== null) && note !== '' ? { extra, index, hashes, note } : null;
}

/**
 * What the policy makes of the checkpoint that has this leaf. Throws as `judge` does, `not_final` where too few witnesses
 * have signed, and `inconsistent` where the leaf is not in the tree at this place.
 */
export function checkTlogProof(proof: TlogProof, leaf: Uint8Array, policy: Policy, check?: CheckSignature): Judged {
  const judged = judge(policy, utf8(proof.note), check);
  if (!judged.final)
    throw new LogError('not_final', 'Too few of the witnesses of the policy have signed the checkpoint.');
  const { size, root } = judged.checkpoint;
  if (!provesInclusion(proof.hashes, { index: proof.index, size, hash: leafHash(leaf), root })) {
    throw new LogError('inconsistent', 'The proof is not about this entry: it is not at this place of the log.');
  }
  return judged;
}
