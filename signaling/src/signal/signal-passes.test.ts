import { expect, test } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { GRACE_MS, SignalPasses } from './signal-passes.ts';
import { ManualClock } from '@llmesh/core/testing/manual-clock';

test('a token is good for its own peer, while the session lives and a while longer', () => {
  const clock = new ManualClock();
  const passes = new SignalPasses(clock);
  const [peer, other] = [newPeerId(), newPeerId()];
  const token = passes.issue(peer);
  expect(passes.issue(other)).not.toBe(token);
  clock.turn(10 * GRACE_MS);
  expect([passes.admits(peer, token), passes.admits(other, token)]).toEqual([true, false]);
  passes.end(token);
  clock.turn(GRACE_MS - 1);
  expect([passes.admits(peer, token), passes.admits(other, token)]).toEqual([true, false]);
  clock.turn(1);
  expect(passes.admits(peer, token)).toBe(false);
  passes.end(token);
  passes.end('never-issued');
  expect(passes.admits(peer, token)).toBe(false);
});

test('of very many ended sessions the oldest are forgotten', () => {
  const passes = new SignalPasses(new ManualClock());
  const peer = newPeerId();
  const tokens = Array.from({ length: 20_001 }, () => passes.issue(peer));
  for (const token of tokens) passes.end(token);
  expect(passes.admits(peer, tokens[0]!)).toBe(false);
  expect(passes.admits(peer, tokens[1]!)).toBe(true);
});
