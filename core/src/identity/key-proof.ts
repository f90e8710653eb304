/**
 * How a peer proves to a server that it holds the key of its id: it signs the server's nonce, fresh for this connection, its
 * own id, and the host that it dialled, so that no server can use the answer for another; and it works, where that is asked
 * for.
 */
import { concatBytes } from '@noble/hashes/utils.js';
import { fromBase32, toBase32 } from '../base/base32.ts';
import { MeshError } from '../base/errors.ts';
import { check, solve } from './hashcash.ts';
import { peerIdOf, signed, verify, type Identity } from './identity.ts';
import { identityIn } from './network-bound.ts';
import type { PeerId } from '../base/ids.ts';
import type { Challenge, Proof } from '../wire/control-protocol.ts';
import { randomBytes, type RandomBytes } from '../base/random-bytes.ts';

const NONCE_BYTES = 32;

export function newChallenge(workBits: number, random: RandomBytes = randomBytes): Challenge {
  return { type: 'challenge', nonce: toBase32(random(NONCE_BYTES)), workBits };
}

/**
 * In the network that the challenge names. `host`: as in the URL that was dialled, with its port. Rejects with cancelled; with work_refused or bad_message when the
 * server asks for what no honest one does.
 */
export async function proveKey(
  identity: Identity,
  challenge: Challenge,
  host: string,
  signal: AbortSignal,
): Promise<Proof> {
  const nonce = fromBase32(challenge.nonce);
  if (nonce === null) throw new MeshError('bad_message', 'The server did not say what to prove. Try again later.');
  const work = await solve(nonce, identity.publicKey, challenge.workBits, signal);
  const here = identityIn({ network: challenge.network ?? null }, identity);
  const signature = await here.sign(statement(nonce, identity.peerId, host));
  return { type: 'proof', signature: toBase32(signature), work };
}

/**
 * What is wrong with a proof; null: nothing. The cheap check comes first, so that a peer that did not work costs one hash.
 * `hosts`: the names by which this server may have been dialled. `checkSignature`: `verify`, or one as strict and faster.
 */
export function faultOf(
  publicKey: Uint8Array,
  challenge: Challenge,
  proof: Proof,
  hosts: readonly string[],
  checkSignature = verify,
): 'work' | 'signature' | null {
  const nonce = fromBase32(challenge.nonce);
  const signature = fromBase32(proof.signature);
  if (nonce === null || signature === null) return 'signature';
  if (!check(nonce, publicKey, challenge.workBits, proof.work)) return 'work';
  const peerId = peerIdOf(publicKey);
  const proven = hosts.some((host) => checkSignature(publicKey, statement(nonce, peerId, host), signature));
  return proven ? null : 'signature';
}

/** The first two are of fixed length: 32 bytes, and the 32 letters of the id. */
function statement(nonce: Uint8Array, peerId: PeerId, host: string): Uint8Array {
  return signed('hello', concatBytes(nonce, new TextEncoder().encode(peerId + plainHost(host))));
}

/** The same name with and without a default port. */
function plainHost(host: string): string {
  return host.toLowerCase().replace(/:(?:80|443)$/, '');
}
