import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { newPeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { networksOf } from '../sockets/address.ts';
import { MAX_LINKS_PER_PAIR, MAX_LINKS_PER_PEER, ON_THE_WAY_MS, RelayTickets, type Place } from './relay-tickets.ts';
import type { Holder } from '../sockets/shares.ts';

const someone = (address = '192.0.2.1', peer = newPeerId()): Holder => ({ peer, from: networksOf(address) });
const [ada, bob] = [someone(), newPeerId()];

function setUp(maxLinks = 10) {
  const clock = new ManualClock();
  const tickets = new RelayTickets(clock, maxLinks);
  const issue = (caller = ada, callee = bob) => tickets.issue(caller, callee).place;
  const issued = (caller = ada, callee = bob): Place => {
    const place = issue(caller, callee);
    expect(place).not.toBeNull();
    return place!;
  };
  /** As one whose caller has come. */
  const opened = (caller = ada, callee = bob): Place => {
    const place = issued(caller, callee);
    tickets.take(place.tickets[0]!);
    return place;
  };
  return { clock, tickets, issue, issued, opened };
}

test('a ticket opens its own end, once', () => {
  const { tickets, issued } = setUp();
  const place = issued();
  const [ours, theirs] = place.tickets as [string, string];
  expect(ours).not.toBe(theirs);
  expect(tickets.take(theirs)).toEqual({ place, side: 1 });
  expect(tickets.take(theirs)).toBeNull();
  expect(tickets.take(ours)).toEqual({ place, side: 0 });
  expect(tickets.has(ours)).toBe(false);
  expect(tickets.take('')).toBeNull();
});

test('a place that was given back opens nothing any more', () => {
  const { tickets, issued } = setUp();
  const place = issued();
  const [ours, theirs] = place.tickets as [string, string];
  tickets.release(place);
  tickets.release(place);
  expect([ours, theirs].some((ticket) => tickets.has(ticket))).toBe(false);
  expect(tickets.size).toBe(0);
});

test('there are so many places in all, for one pair and for one peer, as caller and called; one given back is free again', () => {
  const few = setUp(1);
  const only = few.opened();
  expect(few.issue(someone('198.51.100.1'), newPeerId())).toBeNull();
  few.tickets.release(only);
  few.issued(someone(), newPeerId());

  const { tickets, issue, issued, opened } = setUp(1_000);
  const pair = Array.from({ length: MAX_LINKS_PER_PAIR }, () => opened());
  expect(issue()).toBeNull();
  tickets.release(pair[0]!);
  opened();
  const callee = newPeerId();
  const places = Array.from({ length: MAX_LINKS_PER_PEER }, (_, i) => opened(someone(`192.0.${i}.1`), callee));
  expect(issue(someone('198.51.100.1'), callee)).toBeNull();
  issued(ada, newPeerId());
  for (const place of places) tickets.release(place);
  issued(someone('198.51.100.1'), callee);
});

test('whoever does not come for its own places loses them to its next', () => {
  const { tickets, issued } = setUp(1_000);
  const first = issued();
  for (let i = 1; i < MAX_LINKS_PER_PAIR; i++) issued();
  const { place, gone } = tickets.issue(ada, bob);
  expect(place).not.toBeNull();
  expect(gone).toEqual([first]);
});

test('a place that nobody has come for goes to the next, whoever that is, and one on the way does not', () => {
  const { clock, tickets, issue } = setUp(2);
  const [first] = [tickets.issue(ada, bob).place];
  clock.turn(1);
  tickets.issue(someone(), newPeerId());
  clock.turn(ON_THE_WAY_MS - 2);
  expect(issue(someone(), newPeerId())).toBeNull();
  clock.turn(1);
  // The called end came: it comes for everybody.
  tickets.take(first!.tickets[1]!);
  expect(tickets.issue(someone(), newPeerId()).gone).toEqual([first]);
});

test.each([
  ['not open yet', false],
  ['open', true],
])('whoever calls from a network with fewer gets a place of the one with most: %s', (_, open) => {
  const { tickets, issued, opened } = setUp(1_000);
  const squatters = Array.from({ length: MAX_LINKS_PER_PEER }, () => someone('192.0.2.66'));
  for (const one of squatters) (open ? opened : issued)(one);
  const { place, gone } = tickets.issue(someone('198.51.100.1'), bob);
  expect(place).not.toBeNull();
  expect(gone.map(({ caller }) => caller.from.narrow)).toEqual(['192.0.2.66']);
  // The called one, too, can still call.
  issued({ peer: bob, from: networksOf('203.0.113.1') }, newPeerId());
});

test('of one network, whoever has no place gets one of somebody who has several', () => {
  const { tickets, opened } = setUp(1_000);
  for (let i = 0; i < MAX_LINKS_PER_PEER / MAX_LINKS_PER_PAIR; i++) {
    const one = someone();
    for (let k = 0; k < MAX_LINKS_PER_PAIR; k++) opened(one);
  }
  expect(tickets.issue(someone(), bob)).toMatchObject({ place: { callee: bob }, gone: [{}] });
});

test('whoever comes and goes, there are never more places than there may be', () => {
  const step = fc.record({
    what: fc.constantFrom('issue', 'issue', 'issue', 'open', 'release', 'turn'),
    caller: fc.nat(5),
    callee: fc.nat(5),
    pick: fc.nat(50),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 80 }), (most, steps) => {
      const { clock, tickets } = setUp(most);
      const peers = Array.from({ length: 6 }, (_, i) => someone(`192.0.${i % 3}.${i % 2}`));
      const here = new Set<Place>();
      for (const { what, caller, callee, pick } of steps) {
        const one = [...here][pick % Math.max(1, here.size)];
        if (what === 'turn') clock.turn(pick * 50);
        else if (what === 'issue' && caller !== callee) {
          const before = here.size;
          const { place, gone } = tickets.issue(peers[caller]!, peers[callee]!.peer);
          for (const each of gone) expect(here.delete(each)).toBe(true);
          if (place !== null) here.add(place);
          if (before < most) expect(gone).toEqual([]);
        } else if (one !== undefined && what === 'open') tickets.take(one.tickets[0] ?? '');
        else if (one !== undefined && what === 'release') {
          tickets.release(one);
          here.delete(one);
        }
        expect(tickets.size).toBe(here.size);
        expect(here.size).toBeLessThanOrEqual(most);
        for (const place of here) {
          for (const ticket of place.tickets) if (ticket !== null) expect(tickets.has(ticket)).toBe(true);
        }
      }
    }),
  );
});
