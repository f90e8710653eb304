/** A data folder in whose ledger some peers have earned something: half a credit each, as they come into the world. */
import type { Identity } from '@llmesh/core/identity/identity';
import { PARAMETERS } from '@llmesh/core/governance/parameters';
import { MICRO } from '@llmesh/core/ledger/credit';
import { EPOCH_MS, epochOf } from '@llmesh/core/ledger/emission';
import { openControlKey } from '../receipts/control-key.ts';
import { LedgerWorld, someone } from './ledgers.ts';

/** So many hours of being there are half a credit. */
const HOURS = MICRO / 2 / PARAMETERS['uptime-cap'].initial;

/** It happened in the last hours. The control plane may be started on it when this resolves. */
export async function fundedFolder(folder: string, peers: readonly Identity[]): Promise<void> {
  const world = new LedgerWorld(folder, await openControlKey(folder), Date.now() - (HOURS + 2) * EPOCH_MS);
  await world.open();
  for (const peer of peers) {
    const { whole } = await world.papers(someone(), peer);
    await world.file(whole, peer.peerId);
  }
  for (let hour = 0; hour < HOURS; hour++) {
    await world.clock.advance(EPOCH_MS);
    const epoch = epochOf(world.now()) - 1;
    await world.append({ kind: 'uptime', epoch, shares: peers.map(({ peerId }) => [peerId, 1_000] as const) });
  }
  // As if a checkpoint had covered it long ago.
  await world.ledger.store.setFinal(world.ledger.size);
  await world.close();
  if (world.failures.length > 0) throw world.failures[0];
}
