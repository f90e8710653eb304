/**
 * An identity as a text to keep in a drawer or carry to another device, locked with a passphrase: scrypt (RFC 7914)
 * and XChaCha20-Poly1305. `llmesh-key-1:` and base32 of
 * log2 N (1 byte) | r (1) | p (1) | salt (16) | nonce (24) | sealed secret key (32 + 16) | checksum (4).
 * The checksum tells a damaged text from a wrong passphrase; it covers nothing secret.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { fromBase32, toBase32 } from '../base/base32.ts';
import { MeshError } from '../base/errors.ts';
import { SECRET_KEY_BYTES } from './identity.ts';
import { lock, LOCK_BYTES, unlock, type LockOptions } from './passphrase-lock.ts';

const PREFIX = 'llmesh-key-1:';
const CHECKSUM_BYTES = 4;
const BLOB_BYTES = LOCK_BYTES + SECRET_KEY_BYTES + 16 + CHECKSUM_BYTES;
/** Far more than a wrapped and indented copy needs; a longer text is not read. */
const MAX_TEXT_LENGTH = 2_048;

/** Rejects with cancelled, or wrong_passphrase for one that is too short. `log2N` is for tests: each step less halves the work of guessing the passphrase. */
export async function exportKey(
  secretKey: Uint8Array,
  passphrase: string,
  options: LockOptions & { log2N?: number },
): Promise<string> {
  const blob = await lock(secretKey, passphrase, options);
  return PREFIX + toBase32(concatBytes(blob, checksum(blob)));
}

/**
 * Resolves with the secret key. Tolerates white space, line breaks, hyphens and capitals. Rejects with key_unreadable,
 * wrong_passphrase, version_mismatch or cancelled.
 */
export async function importKey(text: string, passphrase: string, options: LockOptions): Promise<Uint8Array> {
  const blob = readBlob(text);
  return unlock(blob.subarray(0, BLOB_BYTES - CHECKSUM_BYTES), passphrase, { ...options, what: 'this key' });
}

function readBlob(text: string): Uint8Array {
  if (text.length > MAX_TEXT_LENGTH) throw unreadable();
  // Mail programs and word processors insert these: any white space, soft and zero-width breaks, dashes of all lengths.
  const bare = text
    .toLowerCase()
    .replaceAll(/[\s\u00ad\u200b-\u200d\u2060\ufeff]/g, '')
    .replaceAll(/[\u2010-\u2015]/g, '-');
  if (!bare.startsWith(PREFIX)) {
    if (/^llmesh-key-\d+:/.test(bare)) {
      throw new MeshError('version_mismatch', 'This key was exported by a newer LLMesh. Update this one first.');
    }
    throw unreadable();
  }
  const blob = fromBase32(bare.slice(PREFIX.length).replaceAll('-', ''));
  if (blob === null || blob.byteLength !== BLOB_BYTES) throw unreadable();
  const body = blob.subarray(0, BLOB_BYTES - CHECKSUM_BYTES);
  if (!checksum(body).every((byte, i) => byte === blob[body.byteLength + i])) throw unreadable();
  return blob;
}

function checksum(bytes: Uint8Array): Uint8Array {
  return sha256(bytes).subarray(0, CHECKSUM_BYTES);
}

function unreadable(): MeshError {
  return new MeshError('key_unreadable', `This key is incomplete. Copy all of it, from “${PREFIX}” to the end.`);
}
