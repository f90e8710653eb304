import { expect, test } from 'vitest';
import { newPeerId } from '@llmesh/core/ids';
import { ManualClock } from '@llmesh/core/manual-clock';
import { Registry } from './registry.ts';
import { MAX_PROMISES_PER_PEER, PROMISE_MS, SlotPromises } from './slot-promises.ts';
import { advertised } from './testing/clients.ts';

function setUp(slots = 2) {
  const clock = new ManualClock();
  const registry = new Registry(clock);
  const promises = new SlotPromises(clock, registry);
  const provider = () => {
    const peer = registry.join(newPeerId(), 'native');
    registry.advert(peer, { models: [advertised()], slots, certificate: null });
    return peer;
  };
  return { clock, promises, provider, registry, asker: newPeerId() };
}

test('lasts a moment, each from when it was made', () => {
  const { clock, promises, provider, asker } = setUp();
  const peer = provider();
  promises.make(peer, asker, 1);
  clock.turn(1_000);
  promises.make(peer, asker, 2);
  expect(peer.promised).toBe(2);
  clock.turn(PROMISE_MS - 1_000);
  expect(peer.promised).toBe(1);
  promises.make(peer, asker, 3);
  clock.turn(1_000);
  expect(peer.promised).toBe(1);
  clock.turn(PROMISE_MS - 1_000);
  expect([peer.promised, promises.size]).toEqual([0, 0]);
});

test('is never more than there are slots', () => {
  const { promises, provider, asker } = setUp();
  const peer = provider();
  for (let i = 0; i < 5; i++) promises.make(peer, asker, i);
  expect(peer.promised).toBe(2);
});

test('ends when the task has begun, when it is withdrawn, and when either end leaves', () => {
  const { promises, provider, registry, asker } = setUp(4);
  const [first, second] = [provider(), provider()];
  for (let i = 0; i < 3; i++) promises.make(first, asker, i);
  promises.begun(first, 1);
  expect(first.promised).toBe(2);
  promises.withdraw(asker, 0);
  expect(first.promised).toBe(2);
  promises.withdraw(asker, 2);
  expect(first.promised).toBe(1);
  promises.make(second, asker, 5);
  promises.make(second, newPeerId(), 5);
  const peer = registry.join(asker, 'browser');
  promises.left(peer);
  expect([first.promised, second.promised, promises.size]).toEqual([0, 1, 1]);
  promises.left(second);
  expect(promises.size).toBe(0);
});

test('whoever asks for the whole mesh gives back what was promised first', () => {
  const { promises, provider, asker } = setUp(1024);
  const [first, second] = [provider(), provider()];
  promises.make(first, asker, 0);
  for (let i = 0; i < MAX_PROMISES_PER_PEER; i++) promises.make(second, asker, 1 + i);
  expect([first.promised, second.promised]).toEqual([0, MAX_PROMISES_PER_PEER]);
});
