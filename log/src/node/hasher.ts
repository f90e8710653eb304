/** SHA-256 by Node's own OpenSSL: several times as fast as in JavaScript, for whoever hashes a whole log. */
import { hash } from 'node:crypto';
import { HASH_BYTES, hasherOf } from '../base/hashing.ts';

export const NODE_HASHER = hasherOf((bytes) => {
  // A string and 32 bytes of our own take half the time of a Buffer, whose memory lies elsewhere.
  const text = hash('sha256', bytes, 'binary');
  const digest = new Uint8Array(HASH_BYTES);
  for (let i = 0; i < HASH_BYTES; i += 1) digest[i] = text.charCodeAt(i);
  return digest;
});
