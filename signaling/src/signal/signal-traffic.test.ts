import { expect, test } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { networksOf } from '../sockets/address.ts';
import { SignalTraffic } from './signal-traffic.ts';

const from = networksOf('192.0.2.1');
const sender = () => ({ peer: newPeerId(), from });

test('a crowd of one address reaches one peer so often and no more, and others from elsewhere even so', () => {
  const traffic = new SignalTraffic(new ManualClock());
  const victim = newPeerId();
  const crowd = Array.from({ length: 100 }, sender);
  let offers = 0;
  for (let round = 0; round < 4; round++) {
    for (const one of crowd) if (traffic.admits(one, victim, true, 1)) offers++;
  }
  // Sixty of the address, and twenty spare ones for those who had asked for few.
  expect(offers).toBe(80);
  expect(traffic.admits({ peer: newPeerId(), from: networksOf('198.51.100.1') }, victim, true, 1)).toBe(true);
  expect(traffic.admits(crowd[0]!, newPeerId(), true, 1)).toBe(true);
  // What is under way goes on.
  expect(traffic.admits(crowd[0]!, victim, false, 1)).toBe(true);
});

test('one who calls a peer again and again does not keep out its neighbour, and the rate comes back', () => {
  const clock = new ManualClock();
  const traffic = new SignalTraffic(clock);
  const [victim, greedy, neighbour] = [newPeerId(), sender(), sender()];
  const passed = () => Array.from({ length: 50 }, () => traffic.admits(greedy, victim, true, 1)).filter(Boolean).length;
  expect(passed()).toBe(8);
  expect(traffic.admits(neighbour, victim, true, 1)).toBe(true);
  clock.turn(3_000);
  expect(passed()).toBe(3);
});

test('large messages count for more', () => {
  const traffic = new SignalTraffic(new ManualClock());
  const victim = newPeerId();
  let tokens = 0;
  for (let i = 0; i < 500; i++) if (traffic.admits(sender(), victim, false, 17)) tokens += 17;
  expect(tokens).toBeGreaterThan(1_900);
  expect(tokens).toBeLessThanOrEqual(2_400);
});
