/** A signed note, C2SP signed-note: text, an empty line, and a line for each signature. */
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import { fromBase64, toBase64 } from '../base/base64.ts';
import { cosignedText, readCosignature, writeCosignature } from './cosignature.ts';
import { checkSignature, SIGNATURE_BYTES, type CheckSignature } from '../base/ed25519.ts';
import type { NoteKey, NoteSigner } from './key.ts';
import { isKeyName, isNoteText, noteText, utf8 } from '../base/text.ts';

/** Room for sixteen signatures of 5 kB, which anyone must accept, and for the text. */
export const MAX_NOTE_BYTES = 131_072;
export const MAX_SIGNATURES = 64;
const ID_BYTES = 4;
const DASH = '— ';

/** What a signature line says. */
export interface NoteSignature {
  readonly name: string;
  /** Eight hexadecimal digits. */
  readonly id: string;
  /** What follows the id. */
  readonly bytes: Uint8Array;
}

/** Its text ends with a newline. Nothing here has been checked. */
export interface Note {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A signature that is by this key. `timeS`: when a witness made it, in seconds since 1970. */
export interface CheckedSignature {
  readonly key: NoteKey;
  readonly signature: NoteSignature;
  readonly timeS: number | null;
}

export interface OpenedNote {
  readonly text: string;
  readonly checked: readonly CheckedSignature[];
  /** Those by keys that nobody here knows. */
  readonly unknown: readonly NoteSignature[];
}

/** Null: it is no note. */
export function readNote(bytes: Uint8Array): Note | null {
  if (bytes.byteLength > MAX_NOTE_BYTES) return null;
  const whole = noteText(bytes);
  const split = whole?.lastIndexOf('\n\n') ?? -1;
  if (whole === null || split < 0 || !whole.endsWith('\n')) return null;
  const lines = whole.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) return null;
  const signatures = lines.map(readSignature);
  return signatures.every((signature) => signature !== null) ? { text: whole.slice(0, split + 1), signatures } : null;
}

/** One line, without its newline. Null: it is no signature. */
export function readSignature(line: string): NoteSignature | null {
  if (!line.startsWith(DASH)) return null;
  const space = line.indexOf(' ', DASH.length);
  const name = line.slice(DASH.length, space);
  const bytes = space < 0 ? null : fromBase64(line.slice(space + 1));
  if (bytes === null || bytes.byteLength <= ID_BYTES || !isKeyName(name)) return null;
  return { name, id: bytesToHex(bytes.subarray(0, ID_BYTES)), bytes: bytes.subarray(ID_BYTES) };
}

/** One line, without its newline. */
export function writeSignature({ name, id, bytes }: NoteSignature): string {
  return `${DASH}${name} ${toBase64(concatBytes(hexToBytes(id), bytes))}`;
}

/** Throws for a text that no note can have: it ends with a newline, and has no other control characters. */
export function writeNote({ text, signatures }: Note): string {
  if (!text.endsWith('\n') || !isNoteText(text)) {
    throw new RangeError('The text of a note ends with a newline, and has no other control characters.');
  }
  return `${text}\n${signatures.map((signature) => `${writeSignature(signature)}\n`).join('')}`;
}

/** `nowS`: seconds since 1970, for keys that sign the time with it. */
export async function signText(text: string, { key, sign }: NoteSigner, nowS: number): Promise<NoteSignature> {
  const { name, id } = key;
  if (key.type === 'note') return { name, id, bytes: await sign(utf8(text)) };
  return { name, id, bytes: writeCosignature(nowS, await sign(cosignedText(text, nowS))) };
}

/**
 * The note, with the signatures by `keys`. Null: it has none by any of them, or one that is wrong, which makes the whole
 * note worth nothing. At most as many signatures are checked as are right, and one more.
 */
export function openNote(
  note: Note,
  keys: readonly NoteKey[],
  check: CheckSignature = checkSignature,
): OpenedNote | null {
  const checked: CheckedSignature[] = [];
  const unknown: NoteSignature[] = [];
  const seen = new Set<string>();
  for (const signature of note.signatures) {
    const line = writeSignature(signature);
    if (seen.has(line)) continue;
    seen.add(line);
    const key = keys.find(({ name, id }) => name === signature.name && id === signature.id);
    if (key === undefined) unknown.push(signature);
    else {
      const right = checkOne(note.text, signature, key, check);
      if (right === null) return null;
      checked.push(right);
    }
  }
  return checked.length > 0 ? { text: note.text, checked, unknown } : null;
}

function checkOne(
  text: string,
  signature: NoteSignature,
  key: NoteKey,
  check: CheckSignature,
): CheckedSignature | null {
  if (key.type === 'note') {
    if (signature.bytes.byteLength !== SIGNATURE_BYTES) return null;
    return check(key.publicKey, utf8(text), signature.bytes) ? { key, signature, timeS: null } : null;
  }
  const stamped = readCosignature(signature.bytes);
  if (stamped === null) return null;
  const { timeS, bytes } = stamped;
  return check(key.publicKey, cosignedText(text, timeS), bytes) ? { key, signature, timeS } : null;
}
