/** Ed25519 by Node's own OpenSSL: ten times as fast as in JavaScript, for who signs and checks for everybody. */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { peerIdOf, PUBLIC_KEY_BYTES, SECRET_KEY_BYTES, SIGNATURE_BYTES, type Identity } from '@llmesh/core/identity';

/** RFC 8410: what stands before the 32 bytes of a key in PKCS #8 and in SPKI. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Throws for a key of another length. */
export function nodeIdentity(secretKey: Uint8Array): Identity {
  if (secretKey.byteLength !== SECRET_KEY_BYTES) throw new RangeError(`A key has ${SECRET_KEY_BYTES} bytes.`);
  const der = Buffer.concat([PRIVATE_PREFIX, secretKey]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const publicKey = new Uint8Array(spki.subarray(PUBLIC_PREFIX.byteLength));
  return {
    peerId: peerIdOf(publicKey),
    publicKey,
    sign: async (message) => new Uint8Array(sign(null, message, privateKey)),
  };
}

/**
 * Like `verify` of `identity.ts`, except that it takes keys of small order. No peer has one: each proved its key to that
 * one before it was given a lease. Never throws.
 */
export function nodeVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.byteLength !== PUBLIC_KEY_BYTES || signature.byteLength !== SIGNATURE_BYTES) return false;
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: 'der', type: 'spki' });
  } catch {
    // No point of the curve.
    return false;
  }
  return verify(null, message, key, signature);
}
