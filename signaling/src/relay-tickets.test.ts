import { expect, test } from 'vitest';
import { newPeerId } from '@llmesh/core/ids';
import { MAX_LINKS_PER_PAIR, MAX_LINKS_PER_PEER, RelayTickets, type Place } from './relay-tickets.ts';

const [ada, bob] = [newPeerId(), newPeerId()];

function issued(tickets: RelayTickets, caller = ada, callee = bob): Place {
  const place = tickets.issue(caller, callee);
  expect(place).not.toBeNull();
  return place!;
}

test('a ticket opens its own end, once', () => {
  const tickets = new RelayTickets(10);
  const place = issued(tickets);
  const [ours, theirs] = place.tickets as [string, string];
  expect(ours).not.toBe(theirs);
  expect(tickets.take(theirs)).toEqual({ place, side: 1 });
  expect(tickets.take(theirs)).toBeNull();
  expect(tickets.take(ours)).toEqual({ place, side: 0 });
  expect(tickets.has(ours)).toBe(false);
  expect(tickets.take('')).toBeNull();
});

test('a place that was given back opens nothing any more', () => {
  const tickets = new RelayTickets(10);
  const place = issued(tickets);
  const [ours, theirs] = place.tickets as [string, string];
  tickets.release(place);
  tickets.release(place);
  expect([ours, theirs].some((ticket) => tickets.has(ticket))).toBe(false);
  expect(tickets.size).toBe(0);
});

test('there are so many places in all, for one pair and for one peer, as caller and called; one given back is free again', () => {
  const few = new RelayTickets(1);
  const only = issued(few);
  expect(few.issue(newPeerId(), newPeerId())).toBeNull();
  few.release(only);
  issued(few, newPeerId(), newPeerId());

  const tickets = new RelayTickets(1_000);
  const places = Array.from({ length: MAX_LINKS_PER_PAIR }, () => issued(tickets));
  expect(tickets.issue(ada, bob)).toBeNull();
  for (let n = MAX_LINKS_PER_PAIR; n < MAX_LINKS_PER_PEER; n++) places.push(issued(tickets, newPeerId(), bob));
  expect(tickets.issue(newPeerId(), bob)).toBeNull();
  expect(tickets.issue(bob, newPeerId())).toBeNull();
  issued(tickets, ada, newPeerId());
  for (const place of places) tickets.release(place);
  issued(tickets, newPeerId(), bob);
});
