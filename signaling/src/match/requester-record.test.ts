import { expect, test } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { networksOf } from '../sockets/address.ts';
import { RequesterRecord } from './requester-record.ts';

const MINUTE_MS = 60_000;
const [here, there] = [networksOf('192.0.2.1'), networksOf('198.51.100.1')];

function setUp() {
  const clock = new ManualClock();
  const standing = new RequesterRecord(clock);
  const requester = (from = here) => ({ peer: newPeerId(), from });
  return { clock, standing, requester, provider: newPeerId() };
}

test('one slot kept for nothing is forgiven, the second is not, and time heals, later the more there were', () => {
  const { clock, standing, requester, provider } = setUp();
  const [twice, often] = [requester(), requester(there)];
  standing.wasted(twice, provider);
  expect(standing.of(twice)).toBe('new');
  standing.wasted(twice, provider);
  expect(standing.of(twice)).toBe('doubted');
  for (let i = 0; i < 1_000; i++) standing.wasted(often, provider);
  clock.turn(MINUTE_MS);
  expect(standing.of(twice)).toBe('new');
  expect(standing.of(often)).toBe('doubted');
  clock.turn(10 * MINUTE_MS);
  expect(standing.of(often)).toBe('new');
});

test('what begins makes up for what did not, at the same provider alone', () => {
  const { standing, requester, provider } = setUp();
  const one = requester();
  for (let i = 0; i < 2; i++) standing.wasted(one, provider);
  for (let i = 0; i < 50; i++) standing.began(one.peer, newPeerId());
  expect(standing.of(one)).toBe('doubted');
  standing.began(one.peer, provider);
  expect(standing.of(one)).toBe('known');
});

test('where many waste slots, whoever is new there is doubted with them, and whoever began something is not', () => {
  const { standing, requester, provider } = setUp();
  const [regular, fresh, neighbour, stranger] = [
    requester(),
    requester(),
    requester(networksOf('192.0.2.2')),
    requester(there),
  ];
  standing.began(regular.peer, provider);
  for (let i = 0; i < 10; i++) standing.wasted(requester(), provider);
  expect([regular, fresh, neighbour, stranger].map((one) => standing.of(one))).toEqual([
    'known',
    'crowded',
    'new',
    'new',
  ]);
  for (let i = 0; i < 30; i++) standing.wasted(requester(), provider);
  expect([neighbour, stranger].map((one) => standing.of(one))).toEqual(['crowded', 'new']);
});
