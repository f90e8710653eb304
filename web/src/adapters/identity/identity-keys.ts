/**
 * The key of a browser: one that WebCrypto keeps and never shows, or, where it has no Ed25519 (Chrome before 137, Firefox
 * before 129, Safari before 17) or loses its keys (Safari), 32 secret bytes that anyone who runs code in this origin can read.
 */
import { toBase32 } from '@llmesh/core/base/base32';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Identity } from '@llmesh/core/identity/identity';
import { warn } from '../log.ts';

const ED25519 = 'Ed25519';
const SEED_BYTES = 32;
const PUBLIC_KEY_BYTES = 32;
const PEER_ID_BYTES = 20;
/** RFC 8410 §7: what comes before the 32 bytes of a key in PKCS #8, the one form of a secret key that WebCrypto reads. */
const PKCS8_HEAD = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

export interface KeyPair {
  privateKey: CryptoKey;
  publicKey: Uint8Array<ArrayBuffer>;
}

/** As the store has it. */
export type KeptKey = KeyPair | Uint8Array;

/** null where WebCrypto does not support Ed25519. */
export async function newPair(subtle: SubtleCrypto): Promise<KeyPair | null> {
  try {
    const { privateKey, publicKey } = await subtle.generateKey(ED25519, false, ['sign', 'verify']);
    return { privateKey, publicKey: new Uint8Array(await subtle.exportKey('raw', publicKey)) };
  } catch (error) {
    warn('WebCrypto has no Ed25519 here', error);
    return null;
  }
}

/** A key that came from elsewhere, as this browser keeps it best. It is a copy: the caller may overwrite the seed. */
export async function keyOfSeed(seed: Uint8Array, subtle: SubtleCrypto): Promise<KeptKey> {
  const { publicKey } = await identityOfSeed(seed);
  const pkcs8 = Uint8Array.from([...PKCS8_HEAD, ...seed]);
  try {
    const privateKey = await subtle.importKey('pkcs8', pkcs8, ED25519, false, ['sign']);
    return { privateKey, publicKey: Uint8Array.from(publicKey) };
  } catch (error) {
    warn('WebCrypto has no Ed25519 here', error);
    return Uint8Array.from(seed);
  } finally {
    pkcs8.fill(0);
  }
}

/** null: it is no key, or one that this browser has lost. */
export async function identityOfKept(kept: unknown, subtle: SubtleCrypto | undefined): Promise<Identity | null> {
  if (isSeed(kept)) return identityOfSeed(kept);
  return isKeyPair(kept) && subtle !== undefined ? identityOf(kept, subtle) : null;
}

/** null when the pair fails the self-test: the key is lost, or never was one. */
export async function identityOf({ privateKey, publicKey }: KeyPair, subtle: SubtleCrypto): Promise<Identity | null> {
  const sign = async (message: Uint8Array) =>
    new Uint8Array(await subtle.sign(ED25519, privateKey, new Uint8Array(message)));
  try {
    const test = new TextEncoder().encode('llmesh/1/self-test\0');
    const verifyKey = await subtle.importKey('raw', publicKey, ED25519, true, ['verify']);
    if (!(await subtle.verify(ED25519, verifyKey, await sign(test), test))) throw new Error('The self-test failed.');
    // Repeats core's peerIdOf, so that a visit does not wait for the curve in software.
    const hash = new Uint8Array(await subtle.digest('SHA-256', publicKey));
    return { peerId: toBase32(hash.subarray(0, PEER_ID_BYTES)) as PeerId, publicKey, sign };
  } catch (error) {
    warn('a key of this browser is lost', error);
    return null;
  }
}

export async function identityOfSeed(seed: Uint8Array): Promise<Identity> {
  const { softwareIdentity } = await import('@llmesh/core/identity/identity');
  return softwareIdentity(seed);
}

export function newSeed(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(SEED_BYTES));
}

function isSeed(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.byteLength === SEED_BYTES;
}

function isKeyPair(value: unknown): value is KeyPair {
  if (typeof value !== 'object' || value === null || !('privateKey' in value) || !('publicKey' in value)) return false;
  const { privateKey, publicKey } = value;
  return (
    privateKey instanceof CryptoKey && publicKey instanceof Uint8Array && publicKey.byteLength === PUBLIC_KEY_BYTES
  );
}
