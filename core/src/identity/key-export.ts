/**
 * An identity as a text to keep in a drawer or carry to another device, locked with a passphrase: scrypt (RFC 7914)
 * and XChaCha20-Poly1305. `llmesh-key-1:` and base32 of
 * log2 N (1 byte) | r (1) | p (1) | salt (16) | nonce (24) | sealed secret key (32 + 16) | checksum (4).
 * The checksum tells a damaged text from a wrong passphrase; it covers nothing secret.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { scryptAsync } from '@noble/hashes/scrypt.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { fromBase32, toBase32 } from '../base/base32.ts';
import { cancelled, MeshError } from '../base/errors.ts';
import { SECRET_KEY_BYTES } from './identity.ts';
import { randomBytes } from '../base/random-bytes.ts';

const PREFIX = 'llmesh-key-1:';
const SALT_BYTES = 16;
const NONCE_BYTES = 24;
const HEADER_BYTES = 3 + SALT_BYTES + NONCE_BYTES;
const CHECKSUM_BYTES = 4;
const BLOB_BYTES = HEADER_BYTES + SECRET_KEY_BYTES + 16 + CHECKSUM_BYTES;
/** Far more than a wrapped and indented copy needs; a longer text is not read. */
const MAX_TEXT_LENGTH = 2_048;

/** Shorter ones are guessed in spite of scrypt. */
const MIN_PASSPHRASE_CHARS = 12;

/** 128 MiB and about a second: OWASP's advice on password storage for scrypt, N = 2^17, r = 8, p = 1. */
const LOG2_N = 17;
const R = 8;
const P = 1;
/** A text can ask for at most this on import: 256 MiB and some seconds. */
const MAX_LOG2_N = 18;
const MIN_LOG2_N = 10;

export interface KeyExportOptions {
  signal: AbortSignal;
  /** Told the progress from 0 to 1 while scrypt works on the passphrase. */
  onProgress?: (share: number) => void;
}

/** Rejects with cancelled, or wrong_passphrase for one that is too short. `log2N` is for tests: each step less halves the work of guessing the passphrase. */
export async function exportKey(
  secretKey: Uint8Array,
  passphrase: string,
  options: KeyExportOptions & { log2N?: number },
): Promise<string> {
  if (Array.from(passphrase).length < MIN_PASSPHRASE_CHARS) {
    throw new MeshError(
      'wrong_passphrase',
      `Choose a passphrase of ${MIN_PASSPHRASE_CHARS} characters or more, such as four words that have nothing to do with each other.`,
    );
  }
  const header = concatBytes(
    new Uint8Array([options.log2N ?? LOG2_N, R, P]),
    randomBytes(SALT_BYTES),
    randomBytes(NONCE_BYTES),
  );
  const key = await stretch(passphrase, header, options);
  const sealed = aead(key, header).encrypt(secretKey);
  key.fill(0);
  const blob = concatBytes(header, sealed);
  return PREFIX + toBase32(concatBytes(blob, checksum(blob)));
}

/**
 * Resolves with the secret key. Tolerates white space, line breaks, hyphens and capitals. Rejects with key_unreadable,
 * wrong_passphrase, version_mismatch or cancelled.
 */
export async function importKey(text: string, passphrase: string, options: KeyExportOptions): Promise<Uint8Array> {
  const blob = readBlob(text);
  const header = blob.subarray(0, HEADER_BYTES);
  const key = await stretch(passphrase, header, options);
  try {
    return aead(key, header).decrypt(blob.subarray(HEADER_BYTES, BLOB_BYTES - CHECKSUM_BYTES));
  } catch (cause) {
    throw new MeshError('wrong_passphrase', 'That passphrase does not open this key. Try again.', { cause });
  } finally {
    key.fill(0);
  }
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
  const [log2N = 0, r, p] = blob;
  if (log2N < MIN_LOG2_N || log2N > MAX_LOG2_N || r !== R || p !== P) {
    throw new MeshError('key_unreadable', 'Opening this key takes more memory than LLMesh allows. Export it again.');
  }
  return blob;
}

async function stretch(passphrase: string, header: Uint8Array, options: KeyExportOptions): Promise<Uint8Array> {
  const { signal, onProgress } = options;
  if (signal.aborted) throw cancelled();
  const log2N = header[0] ?? LOG2_N;
  return scryptAsync(
    // The same characters, typed on another system, may come as other code points.
    new TextEncoder().encode(passphrase.normalize('NFKC')),
    header.subarray(3, 3 + SALT_BYTES),
    {
      N: 2 ** log2N,
      r: R,
      p: P,
      dkLen: 32,
      asyncTick: 20,
      // Throwing here is how this scrypt is stopped.
      onProgress: (share) => {
        if (signal.aborted) throw cancelled();
        onProgress?.(share);
      },
    },
  );
}

/** All of the header is authenticated along: no one can change the cost of guessing. */
function aead(key: Uint8Array, header: Uint8Array) {
  return xchacha20poly1305(key, header.subarray(3 + SALT_BYTES), header);
}

function checksum(bytes: Uint8Array): Uint8Array {
  return sha256(bytes).subarray(0, CHECKSUM_BYTES);
}

function unreadable(): MeshError {
  return new MeshError('key_unreadable', `This key is incomplete. Copy all of it, from “${PREFIX}” to the end.`);
}
