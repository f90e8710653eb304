import { expect, test } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { MemoryHub } from '../cluster/memory-hub.ts';
import { networksOf } from '../sockets/address.ts';
import type { Place } from './relay-places.ts';
import { RelayTickets, TICKET_MS } from './relay-tickets.ts';

function setUp() {
  const clock = new ManualClock();
  const hub = new MemoryHub(clock);
  const open = () => {
    const { instance, tickets } = hub.join();
    return new RelayTickets(instance, tickets);
  };
  const place: Place = {
    caller: { peer: newPeerId(), from: networksOf('192.0.2.1') },
    callee: newPeerId(),
    madeMs: 0,
  };
  return { clock, tickets: open(), elsewhere: open(), place };
}

test('a ticket opens its own end, once, however many show it at the same time', async () => {
  const { tickets, place } = setUp();
  const [ours, theirs] = await tickets.issue(place);
  expect(ours).not.toBe(theirs);
  expect(await tickets.take(theirs)).toEqual({ place, side: 1 });
  expect(await tickets.find(theirs)).toBeNull();
  const taken = await Promise.all([tickets.take(ours), tickets.take(ours), tickets.take(theirs)]);
  expect(taken).toEqual([{ place, side: 0 }, null, null]);
  expect(await tickets.take('')).toBeNull();
});

test('a ticket is known at every instance, and opens something where its place is', async () => {
  const { tickets, elsewhere, place } = setUp();
  const [ours] = await tickets.issue(place);
  expect([await tickets.find(ours), await elsewhere.find(ours)]).toEqual(['here', 'elsewhere']);
  expect(await elsewhere.find('a'.repeat(ours.length))).toBeNull();
  expect(await tickets.take(ours)).toEqual({ place, side: 0 });
});

test('tickets of a place that was given back, or whose time is over, open nothing', async () => {
  const { clock, tickets, elsewhere, place } = setUp();
  const given = await tickets.issue(place);
  tickets.revoke(place);
  tickets.revoke(place);
  for (const ticket of given) {
    expect([await tickets.find(ticket), await elsewhere.find(ticket), await tickets.take(ticket)]).toEqual([
      null,
      null,
      null,
    ]);
  }
  const [late] = await tickets.issue({ ...place });
  await clock.advance(TICKET_MS);
  expect([await tickets.find(late), await tickets.take(late)]).toEqual([null, null]);
});
