import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import type { PeerId } from '@llmesh/core/base/ids';
import { networksOf } from './address.ts';
import { Shares, type Holder } from './shares.ts';

interface Place {
  holder: Holder;
}

const holder = (address: string, peer: string): Holder => ({ from: networksOf(address), peer: peer as PeerId });

/** As everything scarce is handed out: null where nobody had to give way. */
function take(shares: Shares<Place>, most: number, by: Holder): { place: Place | null; gone: Place | null } {
  const gone = shares.size < most ? null : shares.yielding(by);
  if (shares.size >= most && gone === null) return { place: null, gone: null };
  if (gone !== null) shares.remove(gone);
  const place = { holder: by };
  shares.add(place, by);
  return { place, gone };
}

test('one network may hold everything, until others come', () => {
  const shares = new Shares<Place>();
  const hogs = Array.from({ length: 10 }, (_, i) => holder('192.0.2.1', `hog${i % 5}`));
  for (const hog of hogs) expect(take(shares, 10, hog).place).not.toBeNull();
  expect(take(shares, 10, hogs[0]!).place).toBeNull();
  const other = holder('198.51.100.7', 'honest');
  for (let i = 1; i <= 5; i++) expect(take(shares, 10, other).gone?.holder.from.narrow).toBe('192.0.2.1');
  expect(take(shares, 10, other).place).toBeNull();
  expect([shares.ofNetwork(other.from), shares.ofNetwork(hogs[0]!.from)]).toEqual([5, 5]);
});

test.each([
  ['a neighbour of the same wide network', '192.0.2.2', 'hog'],
  ['another identity of the same address', '192.0.2.1', 'honest'],
  ['another /64 of the same /56', '2001:db8::9', 'honest'],
])('%s takes from whoever holds most there, the newest first', (_, address, peer) => {
  const shares = new Shares<Place>();
  const from = address.includes(':') ? '2001:db8:0:1::1' : '192.0.2.1';
  const places = Array.from({ length: 4 }, () => take(shares, 4, holder(from, 'hog')).place);
  expect(take(shares, 4, holder(address, peer)).gone).toBe(places[3]);
});

test('nobody starves, nobody holds more than there is, and taking in turn ends in equal shares', () => {
  const who = fc.record({ net: fc.nat(2), host: fc.nat(2), peer: fc.nat(2), give: fc.boolean() });
  const of = ({ net, host, peer }: { net: number; host: number; peer: number }) =>
    holder(`192.0.${net}.${host}`, `${net}.${host}.${peer}`);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(who, { maxLength: 60 }), (most, steps) => {
      const shares = new Shares<Place>();
      const here = new Set<Place>();
      const held = (same: (each: Holder) => boolean) => [...here].filter(({ holder: each }) => same(each)).length;
      for (const step of steps) {
        const by = of(step);
        if (step.give) {
          const [own] = shares.ofPeer(by);
          if (own === undefined) continue;
          shares.remove(own);
          here.delete(own);
          continue;
        }
        const wides = new Map<string, number>();
        for (const each of here) wides.set(each.holder.from.wide, (wides.get(each.holder.from.wide) ?? 0) + 1);
        const { place, gone } = take(shares, most, by);
        if (place === null) {
          // Nobody who holds two more than the newcomer keeps it out.
          expect(Math.max(...wides.values()) - (wides.get(by.from.wide) ?? 0)).toBeLessThanOrEqual(1);
        } else here.add(place);
        if (gone !== null) {
          expect(here.delete(gone)).toBe(true);
          expect(shares.holderOf(gone)).toBeNull();
        }
        expect(shares.size).toBe(here.size);
        expect(shares.size).toBeLessThanOrEqual(most);
        expect(shares.ofPeer(by).length).toBe(held((each) => each.peer === by.peer));
        expect(shares.ofNetwork(by.from)).toBe(held((each) => each.from.narrow === by.from.narrow));
      }
      // Whoever keeps asking gets as much as anybody: of three networks with three hosts each.
      for (let round = 0; round < 2 * most; round++) {
        for (let net = 0; net < 3; net++) take(shares, most, of({ net, host: round % 3, peer: 0 }));
      }
      const sizes = [0, 1, 2].map((net) =>
        [0, 1, 2].reduce((sum, host) => sum + shares.ofNetwork(networksOf(`192.0.${net}.${host}`)), 0),
      );
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});
