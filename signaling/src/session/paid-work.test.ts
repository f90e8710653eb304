import { expect, test } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { PAID_FOR_MS, PaidWork } from './paid-work.ts';
import { ManualClock } from '@llmesh/core/testing/manual-clock';

test('who paid is remembered for hours after it last joined', () => {
  const clock = new ManualClock();
  const paid = new PaidWork(clock);
  const peer = newPeerId();
  expect(paid.has(peer)).toBe(false);
  paid.add(peer);
  clock.turn(PAID_FOR_MS - 1);
  expect(paid.has(peer)).toBe(true);
  paid.add(peer);
  clock.turn(PAID_FOR_MS - 1);
  expect(paid.has(peer)).toBe(true);
  clock.turn(1);
  expect(paid.has(peer)).toBe(false);
});

test('of very many the oldest are forgotten', () => {
  const paid = new PaidWork(new ManualClock());
  const peers = Array.from({ length: 50_001 }, () => newPeerId());
  for (const peer of peers) paid.add(peer);
  expect([paid.has(peers[0]!), paid.has(peers[1]!)]).toEqual([false, true]);
});
