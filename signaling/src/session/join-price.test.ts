import { expect, test } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { networksOf } from '../sockets/address.ts';
import { MemoryHub } from '../cluster/memory-hub.ts';
import { JoinPrice, MOST_RAISED_BITS, PAID_FOR_MS } from './join-price.ts';

const [here, neighbour, elsewhere] = ['192.0.2.1', '192.0.2.2', '198.51.100.1'].map(networksOf) as [
  ReturnType<typeof networksOf>,
  ReturnType<typeof networksOf>,
  ReturnType<typeof networksOf>,
];

function setUp(base = 12) {
  const clock = new ManualClock();
  const hub = new MemoryHub(clock);
  const price = new JoinPrice(clock, base, hub.join().paid);
  const join = async (from = here) => {
    const peer = newPeerId();
    const bits = await price.bits(peer, from);
    const gone = price.came(from);
    await price.joined(peer, from);
    return { peer, bits, gone };
  };
  const crowd = async (count: number) => {
    const all = [];
    for (let i = 0; i < count; i++) all.push(await join());
    return all;
  };
  return { clock, hub, price, join, crowd };
}

test('doubles with every doubling of a crowd, for it and less for its neighbours, and no further than a phone can work', async () => {
  const { price, crowd } = setUp();
  const bits = (await crowd(1_000)).map((one) => one.bits);
  expect([0, 7, 15, 16, 32, 64, 128, 256, 512, 999].map((i) => bits[i])).toEqual([
    12, 12, 12, 13, 14, 15, 16, 17, 17, 17,
  ]);
  expect(Math.max(...bits)).toBe(MOST_RAISED_BITS);
  expect(await price.bits(newPeerId(), neighbour)).toBe(16);
  expect(await price.bits(newPeerId(), elsewhere)).toBe(12);
});

test('stays up for a while after they left, and comes down again', async () => {
  const { clock, price, crowd } = setUp();
  for (const { gone } of await crowd(64)) gone();
  expect(await price.bits(newPeerId(), here)).toBe(15);
  clock.turn(30 * 60_000);
  expect(await price.bits(newPeerId(), here)).toBe(12);
});

test('counts those who have not worked yet, as long as they stay', async () => {
  const { price } = setUp();
  const leave = Array.from({ length: 64 }, () => price.came(here));
  expect(await price.bits(newPeerId(), here)).toBe(15);
  for (const each of leave) each();
  expect(await price.bits(newPeerId(), here)).toBe(12);
});

test('is paid once, at every instance, and is nothing where nothing is asked for', async () => {
  const { clock, hub, price, crowd } = setUp();
  const elsewhere = new JoinPrice(clock, 12, hub.join().paid);
  const all = await crowd(250);
  for (const one of [price, elsewhere]) {
    for (const { peer } of all) expect(await one.bits(peer, here)).toBe(0);
  }
  expect(await elsewhere.bits(newPeerId(), here)).toBe(12);
  const free = setUp(0);
  expect(Math.max(...(await free.crowd(100)).map(({ bits }) => bits))).toBe(0);
});

test('is asked again hours after it last joined', async () => {
  const { clock, price, join } = setUp();
  const { peer } = await join();
  clock.turn(PAID_FOR_MS - 1);
  expect(await price.bits(peer, here)).toBe(0);
  await price.joined(peer, here);
  clock.turn(PAID_FOR_MS - 1);
  expect(await price.bits(peer, here)).toBe(0);
  clock.turn(1);
  expect(await price.bits(peer, here)).toBe(12);
});

test('never falls below what the operator asks for', async () => {
  const { price, join, crowd } = setUp(20);
  expect((await join()).bits).toBe(20);
  await crowd(100);
  expect(await price.bits(newPeerId(), here)).toBe(20);
});
