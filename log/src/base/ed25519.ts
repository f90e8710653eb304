/** Ed25519 behind a port: in JavaScript here, in OpenSSL or WebCrypto where a program has those. */
import { ed25519 } from '@noble/curves/ed25519.js';

export const PUBLIC_KEY_BYTES = 32;
export const SECRET_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** Never throws. Strict, RFC 8032 §5.1.7: canonical encodings only, and no keys of small order. */
export type CheckSignature = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
export type SignMessage = (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;

export const checkSignature: CheckSignature = (publicKey, message, signature) =>
  publicKey.byteLength === PUBLIC_KEY_BYTES &&
  signature.byteLength === SIGNATURE_BYTES &&
  ed25519.verify(signature, message, publicKey, { zip215: false });

/** Keeps a copy of the key, which cannot be printed with what it returns. */
export function signWith(secretKey: Uint8Array): { publicKey: Uint8Array; sign: SignMessage } {
  const key = new Uint8Array(secretKey);
  return { publicKey: ed25519.getPublicKey(key), sign: (message) => ed25519.sign(message, key) };
}
