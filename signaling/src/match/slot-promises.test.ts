import { expect, test } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { Registry } from '../registry/registry.ts';
import { networksOf } from '../sockets/address.ts';
import { INSTANT_MS, MAX_PROMISES_PER_PEER, OVERDUE_MS, PROMISE_MS, SlotPromises } from './slot-promises.ts';
import { advertised } from '../testing/clients.ts';

function setUp(slots = 2) {
  const clock = new ManualClock();
  const registry = new Registry(clock);
  const promises = new SlotPromises(clock, registry);
  const provider = () => {
    const peer = registry.join(newPeerId(), 'native');
    registry.advert(peer, { models: [advertised()], slots, certificate: null });
    return peer;
  };
  const someone = (address = '192.0.2.1') => ({ peer: newPeerId(), from: networksOf(address) });
  return { clock, promises, provider, registry, requester: someone(), someone };
}

test('lasts a moment, each from when it was made', () => {
  const { clock, promises, provider, requester } = setUp();
  const peer = provider();
  promises.make(peer, requester, 1);
  clock.turn(1_000);
  promises.make(peer, requester, 2);
  expect(peer.promised).toBe(2);
  clock.turn(PROMISE_MS - 1_000);
  expect(peer.promised).toBe(1);
  promises.make(peer, requester, 3);
  clock.turn(1_000);
  expect(peer.promised).toBe(1);
  clock.turn(PROMISE_MS - 1_000);
  expect([peer.promised, promises.size]).toEqual([0, 0]);
});

test('is never more than there are slots', () => {
  const { promises, provider, requester } = setUp();
  const peer = provider();
  for (let i = 0; i < 5; i++) promises.make(peer, requester, i);
  expect(peer.promised).toBe(2);
});

test('ends when the task has begun, when it is withdrawn, and when either end leaves', () => {
  const { promises, provider, registry, requester, someone } = setUp(4);
  const [first, second] = [provider(), provider()];
  for (let i = 0; i < 3; i++) promises.make(first, requester, i);
  promises.begun(first, 1);
  expect(first.promised).toBe(2);
  promises.withdraw(requester.peer, 0);
  expect(first.promised).toBe(2);
  promises.withdraw(requester.peer, 2);
  expect(first.promised).toBe(1);
  promises.make(second, requester, 5);
  promises.make(second, someone(), 5);
  const peer = registry.join(requester.peer, 'browser');
  promises.left(peer);
  expect([first.promised, second.promised, promises.size]).toEqual([0, 1, 1]);
  promises.left(second);
  expect(promises.size).toBe(0);
});

test('whoever asks for the whole mesh gives back what was promised first', () => {
  const { promises, provider, requester } = setUp(1024);
  const [first, second] = [provider(), provider()];
  promises.make(first, requester, 0);
  for (let i = 0; i < MAX_PROMISES_PER_PEER; i++) promises.make(second, requester, 1 + i);
  expect([first.promised, second.promised]).toEqual([0, MAX_PROMISES_PER_PEER]);
});

test('whoever lets promises run out has slots kept for an instant only, until it begins something there', () => {
  const { clock, promises, provider, requester } = setUp(8);
  const peer = provider();
  for (let i = 0; i < 2; i++) promises.make(peer, requester, i);
  clock.turn(PROMISE_MS);
  expect(promises.standingOf(requester)).toBe('doubted');
  for (let i = 2; i < 6; i++) promises.make(peer, requester, i);
  clock.turn(INSTANT_MS - 1);
  expect(peer.promised).toBe(4);
  clock.turn(1);
  expect([peer.promised, promises.size]).toEqual([0, 0]);
  // Nothing is kept any more, and yet it is known whose task that is.
  promises.begun(peer, 4);
  expect(promises.standingOf(requester)).toBe('known');
  promises.make(peer, requester, 7);
  clock.turn(PROMISE_MS - 1);
  expect(peer.promised).toBe(1);
});

test('taking back what was promised, and leaving with it, is no way around that', () => {
  const { promises, provider, registry, someone } = setUp(8);
  const peer = provider();
  const [fickle, fleeting] = [someone(), someone('198.51.100.1')];
  for (let i = 0; i < 2; i++) {
    promises.make(peer, fickle, i);
    promises.withdraw(fickle.peer, i);
    promises.make(peer, fleeting, i);
    promises.left(registry.join(fleeting.peer, 'native'));
  }
  expect([fickle, fleeting].map((one) => promises.standingOf(one))).toEqual(['doubted', 'doubted']);
});

test('that its provider leaves counts against nobody', () => {
  const { promises, provider, requester } = setUp(8);
  const peer = provider();
  for (let i = 0; i < 5; i++) promises.make(peer, requester, i);
  promises.left(peer);
  expect(promises.standingOf(requester)).toBe('new');
});

test('a task that begins is of whoever was sent last, and of those who begin what they are promised', () => {
  const { clock, promises, provider, someone } = setUp(8);
  const peer = provider();
  const [hog, honest] = [someone(), someone('198.51.100.1')];
  promises.make(peer, hog, 1);
  clock.turn(500);
  promises.make(peer, honest, 1);
  promises.begun(peer, 1);
  expect([hog, honest].map((one) => promises.standingOf(one))).toEqual(['new', 'known']);
  promises.make(peer, honest, 2);
  clock.turn(100);
  promises.make(peer, hog, 2);
  promises.begun(peer, 1);
  clock.turn(PROMISE_MS);
  expect([hog, honest].map((one) => promises.standingOf(one))).toEqual(['doubted', 'known']);
});

test('where others wait, what is overdue is let go of, but for one of whoever is known', () => {
  const { clock, promises, provider, someone } = setUp(8);
  const [peer, quiet] = [provider(), provider()];
  const [fresh, known, busy] = [someone(), someone(), someone()];
  for (const requester of [known, busy]) {
    promises.make(peer, requester, 0);
    promises.begun(peer, 1);
  }
  for (const requester of [fresh, known, busy, busy]) promises.make(peer, requester, 1);
  promises.make(quiet, fresh, 2);
  clock.turn(OVERDUE_MS - 1);
  promises.press((each) => each === peer);
  expect([peer.promised, quiet.promised]).toEqual([4, 1]);
  clock.turn(1);
  promises.press((each) => each === peer);
  expect([peer.promised, quiet.promised]).toEqual([1, 1]);
});
