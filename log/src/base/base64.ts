/**
 * Standard Base 64 with padding, RFC 4648 §4, read strictly: one spelling for each sequence of bytes, so that nobody can
 * change a note without changing what it says.
 */
import { HASH_BYTES } from './hashing.ts';

const SPELLING = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** How many bytes become characters at a time: an argument list has an end. */
const CHUNK = 8_192;

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.byteLength; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return btoa(text);
}

/** Null: it is not Base 64, or spelt in another way than `toBase64` does. */
export function fromBase64(text: string): Uint8Array | null {
  if (text.length % 4 !== 0 || !SPELLING.test(text)) return null;
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  // The last character can carry bits that belong to no byte.
  const tail = text.slice(-4);
  return text === '' || toBase64(bytes.subarray(bytes.byteLength - ((bytes.byteLength - 1) % 3) - 1)) === tail
    ? bytes
    : null;
}

/** One hash on a line of its own. Null: it is none. */
export function readHash(text: string): Uint8Array | null {
  if (text.length !== 44) return null;
  const bytes = fromBase64(text);
  return bytes?.byteLength === HASH_BYTES ? bytes : null;
}
