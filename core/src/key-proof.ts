/**
 * How a peer shows a server that it holds the key of its id: it signs the server's nonce, fresh for this connection, and
 * its own id; and it works, where that is asked for.
 */
import { concatBytes } from '@noble/hashes/utils.js';
import { fromBase32, toBase32 } from './base32.ts';
import { MeshError } from './errors.ts';
import { check, solve } from './hashcash.ts';
import { peerIdOf, signed, verify, type Identity } from './identity.ts';
import type { PeerId } from './ids.ts';
import type { Challenge, Proof } from './protocol.ts';
import { randomBytes, type RandomBytes } from './random-bytes.ts';

const NONCE_BYTES = 32;

export function newChallenge(workBits: number, random: RandomBytes = randomBytes): Challenge {
  return { type: 'challenge', nonce: toBase32(random(NONCE_BYTES)), workBits };
}

/** Rejects with cancelled; with bad_message when the server asks for what no honest one does. */
export async function proveKey(identity: Identity, challenge: Challenge, signal: AbortSignal): Promise<Proof> {
  const nonce = fromBase32(challenge.nonce);
  if (nonce === null) throw new MeshError('bad_message', 'The server asks for a proof of nothing. Start again later.');
  const work = await solve(nonce, identity.publicKey, challenge.workBits, signal);
  const signature = await identity.sign(statement(nonce, identity.peerId));
  return { type: 'proof', signature: toBase32(signature), work };
}

/** What is wrong with a proof; null: nothing. The cheap question first, so that who did not work costs one hash. */
export function faultOf(publicKey: Uint8Array, challenge: Challenge, proof: Proof): 'work' | 'signature' | null {
  const nonce = fromBase32(challenge.nonce);
  const signature = fromBase32(proof.signature);
  if (nonce === null || signature === null) return 'signature';
  if (!check(nonce, publicKey, challenge.workBits, proof.work)) return 'work';
  return verify(publicKey, statement(nonce, peerIdOf(publicKey)), signature) ? null : 'signature';
}

/** Both of fixed length: 32 bytes, and the 32 letters of the id. */
function statement(nonce: Uint8Array, peerId: PeerId): Uint8Array {
  return signed('hello', concatBytes(nonce, new TextEncoder().encode(peerId)));
}
