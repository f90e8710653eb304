import { expect, test } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { networksOf } from '../sockets/address.ts';
import { JoinPrice, MOST_RAISED_BITS } from './join-price.ts';
import { PaidWork } from './paid-work.ts';

const [here, neighbour, elsewhere] = ['192.0.2.1', '192.0.2.2', '198.51.100.1'].map(networksOf) as [
  ReturnType<typeof networksOf>,
  ReturnType<typeof networksOf>,
  ReturnType<typeof networksOf>,
];

function setUp(base = 12) {
  const clock = new ManualClock();
  const price = new JoinPrice(clock, base, new PaidWork(clock));
  const join = (from = here) => {
    const peer = newPeerId();
    const bits = price.bits(peer, from);
    const gone = price.came(from);
    price.joined(peer, from);
    return { peer, bits, gone };
  };
  return { clock, price, join };
}

test('doubles with every doubling of a crowd, for it and less for its neighbours, and no further than a phone can work', () => {
  const { price, join } = setUp();
  const bits = Array.from({ length: 1_000 }, () => join().bits);
  expect([0, 7, 15, 16, 32, 64, 128, 256, 512, 999].map((i) => bits[i])).toEqual([
    12, 12, 12, 13, 14, 15, 16, 17, 17, 17,
  ]);
  expect(Math.max(...bits)).toBe(MOST_RAISED_BITS);
  expect(price.bits(newPeerId(), neighbour)).toBe(16);
  expect(price.bits(newPeerId(), elsewhere)).toBe(12);
});

test('stays up for a while after they left, and comes down again', () => {
  const { clock, price, join } = setUp();
  for (const { gone } of Array.from({ length: 64 }, () => join())) gone();
  expect(price.bits(newPeerId(), here)).toBe(15);
  clock.turn(30 * 60_000);
  expect(price.bits(newPeerId(), here)).toBe(12);
});

test('counts those who have not worked yet, as long as they stay', () => {
  const { price } = setUp();
  const leave = Array.from({ length: 64 }, () => price.came(here));
  expect(price.bits(newPeerId(), here)).toBe(15);
  for (const each of leave) each();
  expect(price.bits(newPeerId(), here)).toBe(12);
});

test('is paid once, and is nothing where nothing is asked for', () => {
  const { price, join } = setUp();
  const all = Array.from({ length: 250 }, () => join());
  for (const { peer } of all) expect(price.bits(peer, here)).toBe(0);
  const free = setUp(0);
  expect(Math.max(...Array.from({ length: 100 }, () => free.join().bits))).toBe(0);
});

test('never falls below what the operator asks for', () => {
  const { price, join } = setUp(20);
  expect(join().bits).toBe(20);
  for (let i = 0; i < 100; i++) join();
  expect(price.bits(newPeerId(), here)).toBe(20);
});
