import { expect, test } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { brokerSuite } from '../suites/broker.ts';
import { presenceSuite } from '../suites/presence.ts';
import type { TwoInstances } from '../suites/two-instances.ts';
import { vaultSuite } from '../suites/vault.ts';
import { MemoryHub } from './memory-hub.ts';
import { MemoryVault } from './memory-vault.ts';

async function open(): Promise<TwoInstances> {
  const clock = new ManualClock();
  const hub = new MemoryHub(clock);
  const [one, other] = [hub.join(), hub.join()];
  const close = async () => {
    await Promise.all([one.close(), other.close()]);
  };
  return { one, other, pass: (ms) => clock.advance(ms), close };
}

presenceSuite('presence in memory', open);
brokerSuite('the broker in memory', open);
vaultSuite('vaults in memory', open);

test('a full vault in memory loses what would run out first, and keeps most', async () => {
  const clock = new ManualClock();
  const vault = new MemoryVault(clock, 2_000);
  for (let i = 0; i < 2_001; i++) await vault.put(`key${i}`, '', 60_000 - i);
  const read = await Promise.all(Array.from({ length: 2_001 }, (_, i) => vault.read(`key${i}`)));
  expect(read[0]).toBe('');
  expect(read.at(-1)).toBeNull();
  const kept = read.filter((value) => value !== null).length;
  expect(kept).toBeGreaterThanOrEqual(1_900);
  expect(kept).toBeLessThanOrEqual(2_000);
});
