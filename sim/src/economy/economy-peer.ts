/** Somebody with a key, and the wide network that it stands in. */
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { peerIdOf, SECRET_KEY_BYTES, SIGNATURE_BYTES, type Identity } from '@llmesh/core/identity/identity';
import type { PeerId } from '@llmesh/core/base/ids';
import type { SeededRandom } from '../random.ts';

export interface EconomyPeer {
  readonly id: PeerId;
  readonly identity: Identity;
  /** The control plane takes those of one network for one owner. */
  readonly network: string;
}

/** `real`: signs; otherwise it writes what looks signed, where nobody checks signatures. */
export function economyPeer(network: string, random: SeededRandom, real: boolean): EconomyPeer {
  const bytes = random.bytes(SECRET_KEY_BYTES);
  const identity = real ? nodeIdentity(bytes) : unsigned(bytes);
  return { id: identity.peerId, identity, network };
}

export function unsigned(key: Uint8Array): Identity {
  const publicKey = new Uint8Array(key);
  const signature = new Uint8Array(SIGNATURE_BYTES);
  return { peerId: peerIdOf(publicKey), publicKey, sign: async () => signature };
}
