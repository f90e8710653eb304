import { expect, test } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { networksOf } from './address.ts';
import { NetworkRate, scaled, type NetworkRates } from './network-rate.ts';

const RATES: NetworkRates = {
  peer: { perSecond: 5, burst: 20 },
  narrow: { perSecond: 10, burst: 50 },
  wide: { perSecond: 20, burst: 100 },
  spare: { perSecond: 1, burst: 10 },
  light: 3,
};

function setUp(rates = RATES) {
  const clock = new ManualClock();
  const rate = new NetworkRate(clock, rates);
  const passed = (times: number, address: string, peer: (i: number) => string, about?: string) =>
    Array.from({ length: times }, (_, i) => rate.take(peer(i), networksOf(address), about)).filter(Boolean).length;
  return { clock, rate, passed };
}

test('one identity, one address and one network may each do so much, and it comes back', () => {
  const { clock, passed } = setUp();
  expect(passed(50, '192.0.2.1', () => 'one')).toBe(20);
  expect(passed(100, '192.0.2.1', (i) => `${i % 5}`)).toBe(30);
  expect(passed(500, '192.0.2.2', (i) => `a${i % 40}`)).toBe(60);
  expect(passed(50, '198.51.100.1', () => 'else')).toBe(20);
  clock.turn(2_000);
  expect(passed(50, '192.0.2.1', () => 'one')).toBe(10);
});

test('whoever has hardly asked is let in beside those who used up what its address may', () => {
  const { passed } = setUp();
  passed(200, '192.0.2.1', (i) => `hog${i % 4}`);
  expect(passed(1, '192.0.2.1', () => 'hog0')).toBe(0);
  expect(passed(6, '192.0.2.1', () => 'quiet')).toBe(3);
});

test('what is about different peers is counted apart, and a load test may do more', () => {
  const { passed } = setUp();
  expect(passed(30, '192.0.2.1', () => 'one', 'a')).toBe(20);
  expect(passed(30, '192.0.2.1', () => 'one', 'b')).toBe(20);
  const loaded = setUp(scaled(RATES, 10));
  expect(loaded.passed(1_000, '192.0.2.1', (i) => `${i % 100}`)).toBe(500);
});
