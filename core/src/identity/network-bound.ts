/**
 * Signatures of one network: its id stands before all that is signed in it, so that nothing that was signed in one network
 * counts in another, whatever its purpose. A page loads this before any arithmetic of signatures. Where there is no genesis, signatures are as they were before there were networks.
 */
import type { NetworkId } from '../base/ids.ts';
import type { Identity, verify } from './identity.ts';

/** Where a peer learns its network; looked at for each signature, since a visitor hears it from the control plane. */
export interface NetworkBinding {
  /** Null: a mesh without a genesis, or one that is not known yet. */
  readonly network: NetworkId | null;
}

/** The identity as it signs in this network. */
export function identityIn(binding: NetworkBinding, identity: Identity): Identity {
  const { peerId, publicKey } = identity;
  return { peerId, publicKey, sign: (message) => identity.sign(inNetwork(binding.network, message)) };
}

/** Checks signatures that were made in this network, as strictly as `check`. */
export function verifyIn(binding: NetworkBinding, check: typeof verify): typeof verify {
  return (publicKey, message, signature) => check(publicKey, inNetwork(binding.network, message), signature);
}

/** What stands before all that is signed in this network. No `SigningDomain` begins like it. */
export function networkPrefix(network: NetworkId | null): Uint8Array {
  return network === null ? NO_PREFIX : new TextEncoder().encode(`llmesh/1/in/${network}\0`);
}

function inNetwork(network: NetworkId | null, message: Uint8Array): Uint8Array {
  if (network === null) return message;
  const prefix = networkPrefix(network);
  const bytes = new Uint8Array(prefix.byteLength + message.byteLength);
  bytes.set(prefix);
  bytes.set(message, prefix.byteLength);
  return bytes;
}

const NO_PREFIX = new Uint8Array(0);
