/** A data folder in whose ledger some peers have earned something: what an hour of being there pays, as credits come into the world. */
import type { Identity } from '@llmesh/core/identity/identity';
import { EPOCH_MS, epochOf } from '@llmesh/core/ledger/emission';
import { openControlKey } from '../receipts/control-key.ts';
import { LedgerWorld, someone } from './ledgers.ts';

/** It happened some hours ago. The control plane may be started on it when this resolves. */
export async function fundedFolder(folder: string, peers: readonly Identity[]): Promise<void> {
  const world = new LedgerWorld(folder, await openControlKey(folder), Date.now() - 3 * EPOCH_MS);
  await world.open();
  for (const peer of peers) {
    const { whole } = await world.papers(someone(), peer);
    await world.file(whole, peer.peerId);
  }
  await world.clock.advance(EPOCH_MS);
  const epoch = epochOf(world.now()) - 1;
  await world.append({ kind: 'uptime', epoch, shares: peers.map(({ peerId }) => [peerId, 1_000] as const) });
  // As if a checkpoint had covered it long ago.
  await world.ledger.store.setFinal(world.ledger.size);
  await world.close();
  if (world.failures.length > 0) throw world.failures[0];
}
