/** What a log sends to a witness, and what it gets back: C2SP tlog-witness, `add-checkpoint`. */
import { readHash, toBase64 } from '../base/base64.ts';
import { readDecimal } from '../base/decimal.ts';
import type { CheckSignature } from '../base/ed25519.ts';
import { noteText, utf8 } from '../base/text.ts';
import type { NoteKey } from '../note/key.ts';
import {
  MAX_NOTE_BYTES,
  MAX_SIGNATURES,
  openNote,
  readNote,
  readSignature,
  writeNote,
  type Note,
} from '../note/note.ts';
import { MAX_PROOF_HASHES } from '../tree/proof.ts';

const HASH_LINE_CHARS = 45;
/** The longest request: a line for the old size, the proof, an empty line, and the checkpoint. */
export const MAX_REQUEST_BYTES = 64 + MAX_PROOF_HASHES * HASH_LINE_CHARS + MAX_NOTE_BYTES;
/** The longest answer that a log reads. */
export const MAX_RESPONSE_BYTES = MAX_NOTE_BYTES;
/** The type of the answer 409, whose body is the size that the witness last signed. */
export const SIZE_TYPE = 'text/x.tlog.size';

export interface AddCheckpoint {
  /** The size of the checkpoint that this witness signed last; 0: it never did, or nobody here knows. */
  readonly oldSize: number;
  /** That the new tree continues the old one. */
  readonly proof: readonly Uint8Array[];
  /** The signed checkpoint. */
  readonly note: Note;
}

export function writeAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  return [`old ${oldSize}`, ...proof.map(toBase64), '', writeNote(note)].join('\n');
}

/** Null: it is no such request. */
export function readAddCheckpoint(body: Uint8Array): AddCheckpoint | null {
  const text = body.byteLength <= MAX_REQUEST_BYTES ? noteText(body) : null;
  // The text of a checkpoint has no empty line, so the first one ends the proof.
  const split = text?.indexOf('\n\n') ?? -1;
  if (text === null || split < 0) return null;
  const [old = '', ...lines] = text.slice(0, split).split('\n');
  const oldSize = old.startsWith('old ') ? readDecimal(old.slice(4)) : null;
  const note = readNote(utf8(text.slice(split + 2)));
  if (oldSize === null || note === null || lines.length > MAX_PROOF_HASHES) return null;
  const proof = lines.map(readHash);
  return proof.every((hash) => hash !== null) ? { oldSize, proof, note } : null;
}

/** The size in the answer 409. Null: it is none. */
export function readConflict(body: Uint8Array): number | null {
  const text = body.byteLength <= 32 ? noteText(body) : null;
  return text?.endsWith('\n') === true ? readDecimal(text.slice(0, -1)) : null;
}

/**
 * The note with the signatures that a witness answered with, as far as they are by `keys`, and right. Null: none is, or
 * one by these keys is wrong.
 */
export function withCosignatures(
  note: Note,
  body: Uint8Array,
  keys: readonly NoteKey[],
  check?: CheckSignature,
): Note | null {
  const text = body.byteLength <= MAX_RESPONSE_BYTES ? noteText(body) : null;
  const lines = text?.endsWith('\n') === true ? text.slice(0, -1).split('\n') : [];
  if (lines.length > MAX_SIGNATURES) return null;
  const signatures = lines.map(readSignature);
  if (!signatures.every((signature) => signature !== null)) return null;
  const opened = openNote({ text: note.text, signatures }, keys, check);
  if (opened === null) return null;
  const right = opened.checked.map(({ signature }) => signature);
  // A witness's newer signature takes the place of its older one.
  const others = note.signatures.filter((old) => !right.some(({ name, id }) => old.name === name && old.id === id));
  return { text: note.text, signatures: [...others, ...right] };
}
