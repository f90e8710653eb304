/**
 * Bytes locked with a passphrase: scrypt (RFC 7914) and XChaCha20-Poly1305. What is locked is
 * log2 N (1 byte) | r (1) | p (1) | salt (16) | nonce (24) | sealed bytes (16 more than they were).
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { scryptAsync } from '@noble/hashes/scrypt.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { cancelled, MeshError } from '../base/errors.ts';
import { randomBytes } from '../base/random-bytes.ts';

const SALT_BYTES = 16;
const NONCE_BYTES = 24;
/** What comes before the sealed bytes. */
export const LOCK_BYTES = 3 + SALT_BYTES + NONCE_BYTES;

/** Shorter ones are guessed in spite of scrypt. */
const MIN_PASSPHRASE_CHARS = 12;

/** 128 MiB and about a second: OWASP's advice on password storage for scrypt, N = 2^17, r = 8, p = 1. */
const LOG2_N = 17;
const R = 8;
const P = 1;
/** What is locked can ask for at most this: 256 MiB and some seconds. */
const MAX_LOG2_N = 18;
const MIN_LOG2_N = 10;

export interface LockOptions {
  signal: AbortSignal;
  /** Told the progress from 0 to 1 while scrypt works on the passphrase. */
  onProgress?: (share: number) => void;
}

/**
 * Rejects with cancelled, or wrong_passphrase for one that is too short. `log2N` is for tests: each step less halves the work of
 * guessing the passphrase.
 */
export async function lock(
  bytes: Uint8Array,
  passphrase: string,
  options: LockOptions & { log2N?: number },
): Promise<Uint8Array> {
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
  const sealed = aead(key, header).encrypt(bytes);
  key.fill(0);
  return concatBytes(header, sealed);
}

/** `what`: names it to the person, as "this key". Rejects with key_unreadable, wrong_passphrase or cancelled. */
export async function unlock(
  locked: Uint8Array,
  passphrase: string,
  { what, ...options }: LockOptions & { what: string },
): Promise<Uint8Array> {
  const header = locked.subarray(0, LOCK_BYTES);
  const [log2N = 0, r, p] = header;
  if (log2N < MIN_LOG2_N || log2N > MAX_LOG2_N || r !== R || p !== P) {
    throw new MeshError('key_unreadable', `Opening ${what} takes more memory than LLMesh allows. Export it again.`);
  }
  const key = await stretch(passphrase, header, options);
  try {
    return aead(key, header).decrypt(locked.subarray(LOCK_BYTES));
  } catch (cause) {
    throw new MeshError('wrong_passphrase', `That passphrase does not open ${what}. Try again.`, { cause });
  } finally {
    key.fill(0);
  }
}

async function stretch(passphrase: string, header: Uint8Array, options: LockOptions): Promise<Uint8Array> {
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
