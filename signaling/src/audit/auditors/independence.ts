/**
 * Who may audit whom. Whoever shares a network with the provider, the requester or another auditor may be the same
 * person; so may anyone behind an address that tells nobody apart. The operator's own auditors are nobody's relatives.
 */
import type { PeerId } from '@llmesh/core/base/ids';
import { isPublic, widerNetworkOf } from '../../sockets/address.ts';

/** A peer and where it connects from. */
export interface Standpoint {
  readonly peerId: PeerId;
  readonly network: string;
}

/** Is this one neither of the two, and near none of them? */
export function isIndependent(
  auditor: Standpoint,
  others: readonly Standpoint[],
  platform: ReadonlySet<PeerId>,
): boolean {
  if (others.some(({ peerId }) => peerId === auditor.peerId)) return false;
  if (platform.has(auditor.peerId)) return true;
  if (!isPublic(auditor.network)) return false;
  const own = widerNetworkOf(auditor.network);
  return others.every(({ network, peerId }) => platform.has(peerId) || widerNetworkOf(network) !== own);
}

/** The first of these, in their order, who are independent of the ends and of each other. */
export function panelOf<T extends Standpoint>(
  drawn: readonly T[],
  ends: readonly Standpoint[],
  most: number,
  platform: ReadonlySet<PeerId>,
): T[] {
  const panel: T[] = [];
  for (const auditor of drawn) {
    if (panel.length === most) break;
    if (isIndependent(auditor, [...ends, ...panel], platform)) panel.push(auditor);
  }
  return panel;
}
