/**
 * Whether a mesh shows people what the log says they have. What it shows is of this moment, and what was recounted is of some
 * seconds ago: the changes since then, as the mesh lists them, have to account for the difference.
 */
import { PEER_ACCOUNTS, type PeerAccount } from '@llmesh/core/ledger/account';
import type { PeerId } from '@llmesh/core/base/ids';
import { isPeerId } from '@llmesh/core/base/ids';
import { allBalances, peerBalances } from '@llmesh/core/ledger/readers';
import type { MemoryState } from '@llmesh/core/ledger/state';
import { AccountPageSchema, PostingsPageSchema } from '@llmesh/core/wire/credit-pages';
import { readPage } from '../node/mesh-api.ts';

/** Peers whose account changes while we look are looked at again so often. */
const LOOKS = 3;
/** The mesh answers so many questions a second, and others ask as well. */
const PAUSE_MS = 120;

export interface ShownDifference {
  readonly peer: PeerId;
  readonly account: PeerAccount;
  readonly shown: number;
  readonly recounted: number;
}

export interface ShownAccounts {
  readonly compared: number;
  /** They change too fast. */
  readonly skipped: number;
  readonly differences: readonly ShownDifference[];
}

/** Everybody who has an account. */
export function peersIn(state: MemoryState): PeerId[] {
  const peers = new Set<PeerId>();
  for (const [account] of allBalances(state)) {
    const peer = account.slice(account.indexOf(':') + 1);
    if (isPeerId(peer)) peers.add(peer);
  }
  return [...peers];
}

/** `size`: the events that the state has. Rejects as `readPage` does. */
export async function compareShown(
  mesh: URL,
  { state, size, peers }: { state: MemoryState; size: number; peers: readonly PeerId[] },
  signal: AbortSignal,
): Promise<ShownAccounts> {
  const differences: ShownDifference[] = [];
  let skipped = 0;
  for (const peer of peers) {
    signal.throwIfAborted();
    const shown = await shownAt(mesh, peer, size);
    if (shown === null) skipped += 1;
    else {
      const recounted = peerBalances(state, peer);
      for (const account of PEER_ACCOUNTS) {
        if (shown[account] !== recounted[account])
          differences.push({ peer, account, shown: shown[account], recounted: recounted[account] });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return { compared: peers.length - skipped, skipped, differences };
}

/** What the mesh says that this peer had after so many events; null: it changes faster than we can read it. */
async function shownAt(mesh: URL, peer: PeerId, size: number): Promise<Record<PeerAccount, number> | null> {
  for (let look = 0; look < LOOKS; look++) {
    const before = await postings(mesh, peer);
    const { account } = await readPage(new URL(`/api/account?peer=${peer}`, mesh), AccountPageSchema);
    const after = await postings(mesh, peer);
    if (before.postings[0]?.index !== after.postings[0]?.index) continue;
    const since = after.postings.filter(({ index }) => index >= size);
    if (since.length === after.postings.length && after.next !== undefined) return null;
    const had: Record<PeerAccount, number> = { ...account };
    for (const { account: kind, amount } of since) {
      const known = PEER_ACCOUNTS.find((one) => one === kind);
      if (known !== undefined) had[known] -= amount;
    }
    return had;
  }
  return null;
}

function postings(mesh: URL, peer: PeerId) {
  return readPage(new URL(`/api/postings?peer=${peer}`, mesh), PostingsPageSchema);
}
