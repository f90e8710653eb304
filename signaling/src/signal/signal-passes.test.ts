import { expect, test } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { MemoryHub } from '../cluster/memory-hub.ts';
import { GRACE_MS, HELD_MS, SignalPasses } from './signal-passes.ts';

function setUp() {
  const clock = new ManualClock();
  const hub = new MemoryHub(clock);
  const [passes, elsewhere] = [hub.join(), hub.join()].map((cluster) => new SignalPasses(clock, cluster.passes)) as [
    SignalPasses,
    SignalPasses,
  ];
  return { clock, passes, elsewhere, peer: newPeerId() };
}

test('a token is good for its own peer, while the session lives and a while longer, at every instance', async () => {
  const { clock, passes, elsewhere, peer } = setUp();
  const { token, end } = await passes.issue(peer);
  expect(await elsewhere.admits(newPeerId(), token)).toBe(false);
  await clock.advance(3.7 * HELD_MS);
  expect([await passes.admits(peer, token), await elsewhere.admits(peer, token)]).toEqual([true, true]);
  end();
  await clock.advance(GRACE_MS - 1);
  end();
  expect(await elsewhere.admits(peer, token)).toBe(true);
  await clock.advance(1);
  expect(await elsewhere.admits(peer, token)).toBe(false);
  await clock.advance(HELD_MS);
  expect(await passes.admits(peer, token)).toBe(false);
});

test('a token of one session says nothing of another', async () => {
  const { clock, passes, peer } = setUp();
  const [first, second] = [await passes.issue(peer), await passes.issue(peer)];
  expect(first.token).not.toBe(second.token);
  first.end();
  await clock.advance(GRACE_MS);
  expect([await passes.admits(peer, first.token), await passes.admits(peer, second.token)]).toEqual([false, true]);
  expect(await passes.admits(peer, 'a'.repeat(26))).toBe(false);
});
