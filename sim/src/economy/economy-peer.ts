/** Somebody with a key, and the wide network that it stands in. */
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { SECRET_KEY_BYTES, type Identity } from '@llmesh/core/identity/identity';
import type { PeerId } from '@llmesh/core/base/ids';
import type { SeededRandom } from '../random.ts';

export interface EconomyPeer {
  readonly id: PeerId;
  readonly identity: Identity;
  /** The control plane takes those of one network for one owner. */
  readonly network: string;
}

export function economyPeer(network: string, random: SeededRandom): EconomyPeer {
  const identity = nodeIdentity(random.bytes(SECRET_KEY_BYTES));
  return { id: identity.peerId, identity, network };
}
