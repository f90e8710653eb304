/**
 * Ed25519 by Node's own OpenSSL: ten times as fast as in JavaScript. The one file of core that knows Node; only programs that
 * run there import it.
 */
import { Buffer } from 'node:buffer';
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { BoundedMap } from '../base/bounded-map.ts';
import { hexToBytes } from '@noble/hashes/utils.js';
import { peerIdOf, PUBLIC_KEY_BYTES, SECRET_KEY_BYTES, SIGNATURE_BYTES, type Identity } from './identity.ts';

/** RFC 8410: what stands before the 32 bytes of a key in PKCS #8 and in SPKI. */
const PRIVATE_PREFIX = hexToBytes('302e020100300506032b657004220420');
const PUBLIC_PREFIX = hexToBytes('302a300506032b6570032100');

/** The field of the curve has 2^255 − 19 elements. */
const FIELD = 2n ** 255n - 19n;
/** y of the points of order 1, 2, 4 and 8, for which signatures fit many messages; those of order 8 have two. */
const SMALL_ORDER = new Set([
  1n,
  FIELD - 1n,
  0n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd83d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
]);

/** As OpenSSL has them; of more, those that were read first are read again. */
const MAX_KEYS = 16_384;
const keys = new BoundedMap<string, KeyObject>(MAX_KEYS);

function signOnThread(message: Uint8Array, key: KeyObject): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    sign(null, message, key, (error, signature) => {
      if (error === null) resolve(signature);
      else reject(error);
    });
  });
}

/**
 * Throws for a key of another length. `where`: on libuv's threads the main one is busy for half as long (measured on two
 * cores: 20 µs a signature instead of 45), but one signature alone takes a little longer.
 */
export function nodeIdentity(secretKey: Uint8Array, where: 'here' | 'thread' = 'here'): Identity {
  if (secretKey.byteLength !== SECRET_KEY_BYTES) throw new RangeError(`A key has ${SECRET_KEY_BYTES} bytes.`);
  const der = Buffer.concat([PRIVATE_PREFIX, secretKey]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const publicKey = new Uint8Array(spki.subarray(PUBLIC_PREFIX.byteLength));
  return {
    peerId: peerIdOf(publicKey),
    publicKey,
    sign: async (message) =>
      new Uint8Array(where === 'here' ? sign(null, message, privateKey) : await signOnThread(message, privateKey)),
  };
}

/** As strict as `verify` of `identity.ts`: OpenSSL itself takes keys of small order, and other spellings of a key. Never throws. */
export function nodeVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = keyFor(publicKey, signature);
  return key !== null && verify(null, message, key, signature);
}

/** Are these a key and a signature as there can be? What remains to be asked, OpenSSL answers as `nodeVerify` would. */
function mayBeSigned(publicKey: Uint8Array, signature: Uint8Array): boolean {
  const hasLengths = publicKey.byteLength === PUBLIC_KEY_BYTES && signature.byteLength === SIGNATURE_BYTES;
  return hasLengths && !isWeak(publicKey);
}

/** Null: no signature of this length by this key can count. */
function keyFor(publicKey: Uint8Array, signature: Uint8Array): KeyObject | null {
  if (!mayBeSigned(publicKey, signature)) return null;
  try {
    return keyObject(publicKey);
  } catch {
    // No point of the curve.
    return null;
  }
}

/** Reading a key costs OpenSSL as much as checking a signature. Throws for what is no point of the curve. */
function keyObject(publicKey: Uint8Array): KeyObject {
  const bytes = String.fromCharCode(...publicKey);
  const known = keys.get(bytes);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: 'der', type: 'spki' });
  keys.set(bytes, key);
  return key;
}

/**
 * Signatures fit many messages under such a key, or it is no key: the first 32 of these bytes. RFC 8032 §5.1.3: y in little
 * endian, the highest bit is of x. Nearly all keys are ruled out by one byte.
 */
export function isWeak(publicKey: Uint8Array): boolean {
  const highest = publicKey[PUBLIC_KEY_BYTES - 1]! & 0x7f;
  if (highest !== 0 && highest !== 0x7f && highest !== 0x7a && highest !== 0x05) return false;
  let y = BigInt(highest);
  for (let at = PUBLIC_KEY_BYTES - 2; at >= 0; at--) y = (y << 8n) | BigInt(publicKey[at]!);
  return y >= FIELD || SMALL_ORDER.has(y);
}
