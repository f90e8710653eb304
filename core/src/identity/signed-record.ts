/** A text with its author: the public key (32 bytes), the signature (64), then the signed bytes. Self-contained. */
import { concatBytes } from '@noble/hashes/utils.js';
import { checkedElsewhere, peerIdOf, PUBLIC_KEY_BYTES, signed, SIGNATURE_BYTES, verify } from './identity.ts';
import type { Identity, SigningDomain } from './identity.ts';
import type { PeerId } from '../base/ids.ts';

export const RECORD_OVERHEAD_BYTES = PUBLIC_KEY_BYTES + SIGNATURE_BYTES;

export interface SignedRecord {
  readonly signer: PeerId;
  readonly body: Uint8Array;
}

/** What `verify` is asked about a record that was signed for this purpose; null: it is too short for one. */
export function signatureIn(domain: SigningDomain, record: Uint8Array): Parameters<typeof verify> | null {
  if (record.byteLength <= RECORD_OVERHEAD_BYTES) return null;
  const [publicKey, signature, body] = partsOf(record);
  return [publicKey, signed(domain, body), signature];
}

/** The key, the signature, and the signed bytes: windows on the record. */
export function partsOf(record: Uint8Array): [publicKey: Uint8Array, signature: Uint8Array, body: Uint8Array] {
  return [
    record.subarray(0, PUBLIC_KEY_BYTES),
    record.subarray(PUBLIC_KEY_BYTES, RECORD_OVERHEAD_BYTES),
    record.subarray(RECORD_OVERHEAD_BYTES),
  ];
}

export async function signRecord(
  domain: SigningDomain,
  body: Uint8Array,
  identity: Identity,
): Promise<Uint8Array<ArrayBuffer>> {
  return concatBytes(identity.publicKey, await identity.sign(signed(domain, body)), body);
}

/**
 * The body and who signed it for this purpose, or null when the signature is not theirs or there are more than
 * `maxBytes`. Compare the signer with the one you expect. `check`: `verify`, or one that is as strict and faster.
 */
export function openRecord(
  domain: SigningDomain,
  record: Uint8Array,
  maxBytes: number,
  check: typeof verify = verify,
): SignedRecord | null {
  if (record.byteLength <= RECORD_OVERHEAD_BYTES || record.byteLength > maxBytes) return null;
  const [publicKey, signature, body] = partsOf(record);
  // What is signed has to be put together first, which takes a while.
  if (check !== checkedElsewhere && !check(publicKey, signed(domain, body), signature)) return null;
  return { signer: peerIdOf(publicKey), body };
}
