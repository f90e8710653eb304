/** The keys of signed notes, and how they are written: C2SP signed-note, "Verifier keys". */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js';
import { fromBase64, toBase64 } from '../base/base64.ts';
import { PUBLIC_KEY_BYTES, SECRET_KEY_BYTES, signWith, type SignMessage } from '../base/ed25519.ts';
import { isKeyName, utf8 } from '../base/text.ts';

/** What a key signs: the text of any note; or a checkpoint together with the time, as witnesses do. */
export const KEY_TYPES = { note: 0x01, cosignature: 0x04 } as const;
export type KeyType = keyof typeof KEY_TYPES;

const ID_BYTES = 4;
const MAX_KEY_CHARS = 1_024;
const PRIVATE = 'PRIVATE+KEY+';

/** A key that signatures are checked with. */
export interface NoteKey {
  readonly name: string;
  /** The key's id: eight hexadecimal digits. Name and id together say which key a signature is by. */
  readonly id: string;
  readonly type: KeyType;
  readonly publicKey: Uint8Array;
}

/** A key that also signs. */
export interface NoteSigner {
  readonly key: NoteKey;
  readonly sign: SignMessage;
}

/** Throws for a name or a key that no note can carry. */
export function noteKey(name: string, type: KeyType, publicKey: Uint8Array): NoteKey {
  if (!isKeyName(name)) throw new RangeError('The name of a key has no spaces, no plus and no control characters.');
  if (publicKey.byteLength !== PUBLIC_KEY_BYTES) throw new RangeError(`A public key has ${PUBLIC_KEY_BYTES} bytes.`);
  const id = sha256(concatBytes(utf8(`${name}\n`), Uint8Array.of(KEY_TYPES[type]), publicKey)).subarray(0, ID_BYTES);
  return { name, id: bytesToHex(id), type, publicKey };
}

/** As in `example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k`. */
export function writeKey({ name, id, type, publicKey }: NoteKey): string {
  return `${name}+${id}+${toBase64(concatBytes(Uint8Array.of(KEY_TYPES[type]), publicKey))}`;
}

/** Null: it is no key, its id is not its own, or it is of a type that is not understood here. */
export function readKey(text: string): NoteKey | null {
  if (text.length > MAX_KEY_CHARS) return null;
  const [name = '', id = '', material = '', ...more] = cut(text, 3);
  const bytes = fromBase64(material);
  if (bytes === null || more.length > 0 || !isKeyName(name)) return null;
  const type = typeOf(bytes[0]);
  if (type === null || bytes.byteLength !== 1 + PUBLIC_KEY_BYTES) return null;
  const key = noteKey(name, type, bytes.subarray(1));
  return key.id === id ? key : null;
}

/** `PRIVATE+KEY+<name>+<id>+<type and seed>`, as Go's programs write it: whoever reads it can sign. */
export function writeSecretKey(name: string, type: KeyType, secretKey: Uint8Array): string {
  const { id } = noteKey(name, type, signWith(secretKey).publicKey);
  return `${PRIVATE}${name}+${id}+${toBase64(concatBytes(Uint8Array.of(KEY_TYPES[type]), secretKey))}`;
}

/** Null: it is no secret key, or its id is not its own. */
export function readSecretKey(text: string): NoteSigner | null {
  if (text.length > MAX_KEY_CHARS || !text.startsWith(PRIVATE)) return null;
  const [name = '', id = '', material = ''] = cut(text.slice(PRIVATE.length), 3);
  const bytes = fromBase64(material);
  if (bytes === null || !isKeyName(name)) return null;
  const type = typeOf(bytes[0]);
  if (type === null || bytes.byteLength !== 1 + SECRET_KEY_BYTES) return null;
  const { publicKey, sign } = signWith(bytes.subarray(1));
  const key = noteKey(name, type, publicKey);
  return key.id === id ? { key, sign } : null;
}

function typeOf(byte: number | undefined): KeyType | null {
  if (byte === KEY_TYPES.note) return 'note';
  return byte === KEY_TYPES.cosignature ? 'cosignature' : null;
}

/** In so many parts at most; the last one keeps the pluses that its Base 64 may have. */
function cut(text: string, parts: number): string[] {
  const pieces = text.split('+');
  return [...pieces.slice(0, parts - 1), pieces.slice(parts - 1).join('+')];
}
