import type { PeerId } from '@llmesh/core/base/ids';
import type { Posting } from '@llmesh/core/ledger/posting';

/** The peers whose accounts these change, each once; added to those in `peers`. */
export function touchedBy(postings: readonly Posting[], peers = new Set<PeerId>()): Set<PeerId> {
  for (const { account } of postings) {
    const at = account.indexOf(':');
    if (at > 0) peers.add(account.slice(at + 1) as PeerId);
  }
  return peers;
}
