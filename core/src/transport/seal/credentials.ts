/**
 * What a peer shows to prove itself on a sealed link: a Noise static key, and the identity's signature that the key is its
 * own, as in libp2p. The static key lives as long as the program; only the identity is kept.
 */
import { concatBytes } from '@noble/hashes/utils.js';
import { peerIdOf, PUBLIC_KEY_BYTES, signed, SIGNATURE_BYTES, verify, type Identity } from '../../identity/identity.ts';
import type { PeerId } from '../../base/ids.ts';
import { KEY_BYTES } from './noise-cipher.ts';
import { generateKeyPair, type KeyPair } from './noise.ts';
import { randomBytes, type RandomBytes } from '../../base/random-bytes.ts';
import { CERTIFICATE_BYTES } from '../../wire/candidate.ts';

/** Who called whom. It is signed along, so that the words of one end cannot be given back to it as the other's. */
export type SealRole = 'dialler' | 'acceptor';

/** A proof: the identity's public key, and its signature over role and static key. */
export const PROOF_BYTES = PUBLIC_KEY_BYTES + SIGNATURE_BYTES;

export interface Credentials {
  readonly peerId: PeerId;
  readonly staticKey: KeyPair;
  /** The proofs that are sent, sealed, in the handshake. */
  readonly proofs: Readonly<Record<SealRole, Uint8Array>>;
  /** The static key, and the acceptor's proof, for the advert: they let anonymous clients seal their links to us. */
  readonly certificate: Uint8Array;
}

export async function makeCredentials(identity: Identity, random: RandomBytes = randomBytes): Promise<Credentials> {
  const staticKey = generateKeyPair(random);
  const prove = async (role: SealRole) =>
    concatBytes(identity.publicKey, await identity.sign(statement(role, staticKey.publicKey)));
  const proofs = { dialler: await prove('dialler'), acceptor: await prove('acceptor') };
  const certificate = concatBytes(staticKey.publicKey, proofs.acceptor);
  return { peerId: identity.peerId, staticKey, proofs, certificate };
}

/** Whose static key this is, or null when the proof is invalid. */
export function readProof(proof: Uint8Array, role: SealRole, staticKey: Uint8Array): PeerId | null {
  if (proof.byteLength !== PROOF_BYTES) return null;
  const publicKey = proof.subarray(0, PUBLIC_KEY_BYTES);
  const signature = proof.subarray(PUBLIC_KEY_BYTES);
  return verify(publicKey, statement(role, staticKey), signature) ? peerIdOf(publicKey) : null;
}

/** The static key of `peer`, or null when the certificate is not its own. */
export function readCertificate(certificate: Uint8Array, peer: PeerId): Uint8Array | null {
  if (certificate.byteLength !== CERTIFICATE_BYTES) return null;
  const staticKey = certificate.subarray(0, KEY_BYTES);
  return readProof(certificate.subarray(KEY_BYTES), 'acceptor', staticKey) === peer ? staticKey : null;
}

function statement(role: SealRole, staticKey: Uint8Array): Uint8Array {
  return signed('noise-key', concatBytes(new Uint8Array([role === 'dialler' ? 0 : 1]), staticKey));
}
