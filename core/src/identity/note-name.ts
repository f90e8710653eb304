/**
 * What a key is called in signed notes (C2SP signed-note): the log of a control plane, and a witness. The name follows from
 * the key, so whoever knows a mesh's key knows its log, by whatever address it is reached.
 */
import { isNetworkId, isPeerId, type NetworkId, type PeerId } from '../base/ids.ts';

const PREFIX = 'llmesh/';

/** `network`: whose log it is; null: a witness, or the log of a mesh without a genesis. */
export function noteName(peer: PeerId, network: NetworkId | null = null): string {
  return network === null ? `${PREFIX}${peer}` : `${PREFIX}${peer}/${network}`;
}

/** Whose name it is, and of which network; null: it is not one of ours. */
export function namedBy(name: string): { peer: PeerId; network: NetworkId | null } | null {
  if (!name.startsWith(PREFIX)) return null;
  const [peer, network = null, ...rest] = name.slice(PREFIX.length).split('/', 3);
  if (!isPeerId(peer) || rest.length > 0 || (network !== null && !isNetworkId(network))) return null;
  return { peer, network };
}
