import { describe, expect, it } from 'vitest';
import type { ContentId } from '../../base/ids.ts';
import { PARAMETERS } from '../../governance/parameters.ts';
import type { StorageReport } from '../../proof/keeping/storage-report.ts';
import { LedgerWorld, peerOf, START_MS } from '../../testing/ledger-world.ts';
import { budgetOf, EMISSION_PARTS, EPOCH_MS, epochOf } from '../emission.ts';
import { parameterKey } from '../keys.ts';
import { partOf } from '../parameter.ts';
import { balanceOf } from '../readers.ts';
import { FULL_BYTES, shareOfBytes } from './storage.ts';

const [ada, bob, eve] = [peerOf(1), peerOf(2), peerOf(3)];
const epoch = epochOf(START_MS);
const CAP = PARAMETERS['storage-cap'].initial;
const other = 'ef'.repeat(32) as ContentId;

async function served(keepers = [bob, eve]) {
  const world = new LedgerWorld();
  for (const [seed, keeper] of keepers.entries()) {
    world.add(await world.receipt(await world.lease(seed, ada, [keeper]), keeper, 1));
  }
  world.ms += EPOCH_MS;
  const pay = async (keeper: typeof bob, share: number, over: Partial<StorageReport> = {}, asker = ada) =>
    world.add({
      kind: 'storage',
      epoch,
      shares: [[keeper.peerId, share, await world.storageReport(keeper, asker, over)]],
    });
  return { world, pay };
}

describe('an hour of keeping a model', () => {
  it('is paid once for each copy, by its size', async () => {
    const { world, pay } = await served();
    await pay(bob, 1_000);
    await pay(eve, 125, { sizeBytes: FULL_BYTES / 8 });
    await pay(eve, 125, { sizeBytes: FULL_BYTES / 8, content: other });
    expect(balanceOf(world.state, `free:${bob.peerId}`)).toBe(CAP);
    expect(balanceOf(world.state, `free:${eve.peerId}`)).toBe(CAP / 4);
    await expect(pay(eve, 1, { sizeBytes: FULL_BYTES / 8 })).rejects.toThrow('already');
    await expect(pay(bob, 1, { content: other })).rejects.toThrow('more than that');
  });

  it('is paid for nothing but a report of somebody else that says that it was there, in this hour, and how large it is', async () => {
    const { world, pay } = await served();
    await expect(pay(bob, 126, { sizeBytes: FULL_BYTES / 8 })).rejects.toThrow('does not count for so much');
    await expect(pay(bob, 1_000, { epoch: epoch + 1 })).rejects.toThrow('another hour');
    for (const outcome of ['late', 'wrong', 'unreachable'] as const) {
      await expect(pay(bob, 1_000, { outcome })).rejects.toThrow('was there');
    }
    await expect(pay(bob, 1_000, {}, bob)).rejects.toThrow('Nobody has signed');
    const report = await world.storageReport(bob, ada, { epoch });
    const add = (shares: readonly (readonly [typeof bob.peerId, number, Uint8Array])[]) =>
      world.add({ kind: 'storage', epoch, shares });
    expect(() => add([[eve.peerId, 1_000, report]])).toThrow('another volunteer');
    await expect(pay(peerOf(9), 1_000)).rejects.toThrow('answered nobody');
    world.ms += 49 * EPOCH_MS;
    expect(() => add([[bob.peerId, 1_000, report]])).toThrow('is over');
  });

  it('never takes more than its part of what being there has, nor leaves that more than the rest', async () => {
    const { world, pay } = await served();
    const hour = partOf(budgetOf(0), EMISSION_PARTS.uptime);
    for (const name of ['storage-cap', 'uptime-cap']) world.state.set(parameterKey(name), [hour, world.ms]);
    await pay(bob, 1_000);
    const set = partOf(hour, PARAMETERS['storage-share'].initial);
    expect(balanceOf(world.state, `free:${bob.peerId}`)).toBe(Math.floor(set / 1_000) * 1_000);
    await pay(eve, 1_000);
    world.add({ kind: 'uptime', epoch, shares: [[bob.peerId, 1_000]] });
    world.add({ kind: 'uptime', epoch, shares: [[eve.peerId, 1_000]] });
    const given = -balanceOf(world.state, 'emission');
    expect(given).toBeLessThanOrEqual(hour);
    expect(given).toBeGreaterThan(hour - 2_000);
  });

  it('counts nothing, and everything', () => {
    expect([0, 1, FULL_BYTES, 9 * FULL_BYTES].map(shareOfBytes)).toEqual([0, 1, 1_000, 1_000]);
  });
});
