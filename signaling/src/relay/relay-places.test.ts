import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { newPeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { networksOf } from '../sockets/address.ts';
import { MAX_LINKS_PER_PAIR, MAX_LINKS_PER_PEER, ON_THE_WAY_MS, RelayPlaces, type Place } from './relay-places.ts';
import type { Holder } from '../sockets/shares.ts';

const someone = (address = '192.0.2.1', peer = newPeerId()): Holder => ({ peer, from: networksOf(address) });
const [ada, bob] = [someone(), newPeerId()];

function setUp(maxLinks = 10) {
  const clock = new ManualClock();
  const places = new RelayPlaces(clock, maxLinks);
  const hold = (caller = ada, callee = bob) => places.hold(caller, callee).place;
  const held = (caller = ada, callee = bob): Place => {
    const place = hold(caller, callee);
    expect(place).not.toBeNull();
    return place!;
  };
  /** As one whose caller has come. */
  const opened = (caller = ada, callee = bob): Place => {
    const place = held(caller, callee);
    places.came(place);
    return place;
  };
  return { clock, places, hold, held, opened };
}

test('there are so many places in all, for one pair and for one peer, as caller and called; one given back is free again', () => {
  const few = setUp(1);
  const only = few.opened();
  expect(few.hold(someone('198.51.100.1'), newPeerId())).toBeNull();
  few.places.release(only);
  few.held(someone(), newPeerId());

  const { places, hold, held, opened } = setUp(1_000);
  const pair = Array.from({ length: MAX_LINKS_PER_PAIR }, () => opened());
  expect(hold()).toBeNull();
  places.release(pair[0]!);
  opened();
  const callee = newPeerId();
  const all = Array.from({ length: MAX_LINKS_PER_PEER }, (_, i) => opened(someone(`192.0.${i}.1`), callee));
  expect(hold(someone('198.51.100.1'), callee)).toBeNull();
  held(ada, newPeerId());
  for (const place of all) places.release(place);
  held(someone('198.51.100.1'), callee);
});

test('whoever does not come for its own places loses them to its next', () => {
  const { places, held } = setUp(1_000);
  const first = held();
  for (let i = 1; i < MAX_LINKS_PER_PAIR; i++) held();
  const { place, gone } = places.hold(ada, bob);
  expect(place).not.toBeNull();
  expect(gone).toEqual([first]);
});

test('a place that nobody has come for goes to the next, whoever that is, and one on the way does not', () => {
  const { clock, places, hold } = setUp(2);
  const first = places.hold(ada, bob).place;
  clock.turn(1);
  places.hold(someone(), newPeerId());
  clock.turn(ON_THE_WAY_MS - 2);
  expect(hold(someone(), newPeerId())).toBeNull();
  clock.turn(1);
  expect(places.hold(someone(), newPeerId()).gone).toEqual([first]);
});

test.each([
  ['not open yet', false],
  ['open', true],
])('whoever calls from a network with fewer gets a place of the one with most: %s', (_, open) => {
  const { places, held, opened } = setUp(1_000);
  const squatters = Array.from({ length: MAX_LINKS_PER_PEER }, () => someone('192.0.2.66'));
  for (const one of squatters) (open ? opened : held)(one);
  const { place, gone } = places.hold(someone('198.51.100.1'), bob);
  expect(place).not.toBeNull();
  expect(gone.map(({ caller }) => caller.from.narrow)).toEqual(['192.0.2.66']);
  // The called one, too, can still call.
  held({ peer: bob, from: networksOf('203.0.113.1') }, newPeerId());
});

test('of one network, whoever has no place gets one of somebody who has several', () => {
  const { places, opened } = setUp(1_000);
  for (let i = 0; i < MAX_LINKS_PER_PEER / MAX_LINKS_PER_PAIR; i++) {
    const one = someone();
    for (let k = 0; k < MAX_LINKS_PER_PAIR; k++) opened(one);
  }
  expect(places.hold(someone(), bob)).toMatchObject({ place: { callee: bob }, gone: [{}] });
});

test('whoever comes and goes, there are never more places than there may be', () => {
  const step = fc.record({
    what: fc.constantFrom('hold', 'hold', 'hold', 'open', 'release', 'turn'),
    caller: fc.nat(5),
    callee: fc.nat(5),
    pick: fc.nat(50),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 80 }), (most, steps) => {
      const { clock, places } = setUp(most);
      const peers = Array.from({ length: 6 }, (_, i) => someone(`192.0.${i % 3}.${i % 2}`));
      const here = new Set<Place>();
      for (const { what, caller, callee, pick } of steps) {
        const one = [...here][pick % Math.max(1, here.size)];
        if (what === 'turn') clock.turn(pick * 50);
        else if (what === 'hold' && caller !== callee) {
          const before = here.size;
          const { place, gone } = places.hold(peers[caller]!, peers[callee]!.peer);
          for (const each of gone) expect(here.delete(each)).toBe(true);
          if (place !== null) here.add(place);
          if (before < most) expect(gone).toEqual([]);
        } else if (one !== undefined && what === 'open') places.came(one);
        else if (one !== undefined && what === 'release') {
          places.release(one);
          here.delete(one);
        }
        expect(places.size).toBe(here.size);
        expect(here.size).toBeLessThanOrEqual(most);
      }
    }),
  );
});
