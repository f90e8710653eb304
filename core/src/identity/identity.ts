/**
 * A peer's identity: an Ed25519 key. The port has three implementations: in software (here, for browsers that cannot do
 * better), by Node's OpenSSL (`node-signatures.ts`), and on a key that WebCrypto keeps and never shows.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { toBase32 } from '../base/base32.ts';
import { BoundedMap } from '../base/bounded-map.ts';
import type { PeerId } from '../base/ids.ts';
import { sameBytes } from '../wire/canonical.ts';

export const PUBLIC_KEY_BYTES = 32;
export const SECRET_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
const PEER_ID_BYTES = 20;

/**
 * The purpose of a signature. It is signed along, so that a signature for one purpose is worthless for another: no challenge
 * can be written whose answer is a receipt.
 */
export type SigningDomain =
  | 'hello'
  | 'noise-key'
  | 'lease'
  | 'acknowledgement'
  | 'receipt'
  | 'audit-draw'
  | 'audit-report'
  | 'storage-report'
  | 'lookup-record'
  | 'order'
  | 'genesis';

export interface Identity {
  readonly peerId: PeerId;
  readonly publicKey: Uint8Array;
  /** Signs exactly these bytes; pass `signed(…)`. Returns 64 bytes, possibly different ones each time. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** Keys whose ids are remembered, about 200 bytes each: the same few peers sign again and again. */
const MAX_KNOWN = 8_192;
/** By the first bytes of the key. Whoever makes a key with the same ones only has it computed anew. */
const known = new BoundedMap<number, { readonly key: Uint8Array; readonly id: PeerId }>(MAX_KNOWN);

/** The first 160 bits of the key's SHA-256: 32 characters, and a PeerJS id. */
export function peerIdOf(publicKey: Uint8Array): PeerId {
  const begins = (publicKey[0]! << 24) | (publicKey[1]! << 16) | (publicKey[2]! << 8) | publicKey[3]!;
  const same = known.get(begins);
  if (same !== undefined && sameBytes(same.key, publicKey)) return same.id;
  const id = toBase32(sha256(publicKey).subarray(0, PEER_ID_BYTES)) as PeerId;
  known.set(begins, { key: new Uint8Array(publicKey), id });
  return id;
}

/** The bytes that are signed when `bytes` are signed for a purpose. */
export function signed(domain: SigningDomain, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(prefixOf(domain), bytes);
}

/** What stands before the bytes that are signed for this purpose. */
export function prefixOf(domain: SigningDomain): Uint8Array {
  let prefix = PREFIXES.get(domain);
  if (prefix === undefined) PREFIXES.set(domain, (prefix = new TextEncoder().encode(`llmesh/1/${domain}\0`)));
  return prefix;
}
/** As bytes: every signature that is made or checked begins with one. */
const PREFIXES = new Map<SigningDomain, Uint8Array>();

/**
 * RFC 8032 §5.1.7, strictly: encodings must be canonical, and keys of small order, for which signatures fit many
 * messages, are refused. False also for keys and signatures of a wrong length. Never throws.
 */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.byteLength !== PUBLIC_KEY_BYTES || signature.byteLength !== SIGNATURE_BYTES) return false;
  return ed25519.verify(signature, message, publicKey, { zip215: false });
}

/** In place of `verify`: whoever reads this checks the signature elsewhere, before or after. */
export function checkedElsewhere(): boolean {
  return true;
}

/** Keeps a copy of the key, which cannot be printed or serialised with the identity. */
export function softwareIdentity(secretKey: Uint8Array): Identity {
  const key = new Uint8Array(secretKey);
  const publicKey = ed25519.getPublicKey(key);
  return { peerId: peerIdOf(publicKey), publicKey, sign: async (message) => ed25519.sign(message, key) };
}
