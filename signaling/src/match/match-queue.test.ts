import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import type { PeerId } from '@llmesh/core/base/ids';
import { networksOf } from '../sockets/address.ts';
import { MatchQueue } from './match-queue.ts';

const waiting = (requester: string, number = 0, address = '192.0.2.1') => ({
  requester: requester as PeerId,
  holder: { peer: requester as PeerId, from: networksOf(address) },
  number,
});

test('gives every requester a turn before anybody has a second', () => {
  const line = new MatchQueue<ReturnType<typeof waiting>>();
  const many = Array.from({ length: 50 }, (_, i) => waiting('many', i));
  for (const one of many) line.add(one);
  const single = waiting('single');
  line.add(single);
  expect(line.position(single)).toBe(2);
  expect(line.position(many[1]!)).toBe(3);
  line.take(many[0]!);
  // Had its turn: now the other one is first, whoever came when.
  expect([...line.inTurn()].slice(0, 2)).toEqual([single, many[1]]);
  const late = waiting('late');
  line.add(late);
  expect(line.position(late)).toBe(3);
});

test('gives every network a turn before any has a second, whoever is in it', () => {
  const line = new MatchQueue<ReturnType<typeof waiting>>();
  const crowd = Array.from({ length: 100 }, (_, i) => waiting(`hog${i}`, i, `192.0.2.${i % 2}`));
  for (const one of crowd) line.add(one);
  const [neighbour, stranger] = [waiting('neighbour', 0, '192.0.2.9'), waiting('stranger', 0, '198.51.100.1')];
  for (const one of [neighbour, stranger]) line.add(one);
  expect(line.position(stranger)).toBe(2);
  // Third of its wide network, which has every other turn while the stranger waits.
  expect(line.position(neighbour)).toBe(4);
  line.take(crowd[0]!);
  const [again, second] = [waiting('stranger', 1, '198.51.100.2'), waiting('stranger', 2, '198.51.100.2')];
  line.take(stranger);
  for (const one of [again, second]) line.add(one);
  expect([...line.inTurn()].slice(0, 4)).toEqual([crowd[1], again, neighbour, second]);
});

test('looks no further than it is told', () => {
  const line = new MatchQueue<ReturnType<typeof waiting>>();
  for (let i = 0; i < 10; i++) line.add(waiting(`p${i}`, i));
  expect(line.next(({ number }) => number === 4, 5)?.number).toBe(4);
  expect(line.next(({ number }) => number === 5, 5)).toBeNull();
});

test('a withdrawn question costs its requester no turn', () => {
  const line = new MatchQueue<ReturnType<typeof waiting>>();
  const [a, b, c] = [waiting('a', 1), waiting('a', 2), waiting('c')];
  for (const one of [a, b, c]) line.add(one);
  line.remove(a);
  line.remove(a);
  expect([...line.inTurn()]).toEqual([b, c]);
  expect(line.next(({ requester }) => requester === 'c')).toBe(c);
  expect(line.next(() => false)).toBe(null);
  expect(line.position(a)).toBe(0);
});

test('holds exactly who came and did not go, each at one place, and nobody is overtaken twice by the same requester', () => {
  const step = fc.record({ what: fc.constantFrom('add', 'take', 'remove'), requester: fc.nat(4), pick: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const line = new MatchQueue<ReturnType<typeof waiting>>();
      const here = new Set<ReturnType<typeof waiting>>();
      const overtakes = new Map<ReturnType<typeof waiting>, Map<PeerId, number>>();
      for (const { what, requester, pick } of steps) {
        if (what === 'add') {
          const one = waiting(`p${requester}`);
          line.add(one);
          here.add(one);
          overtakes.set(one, new Map());
        } else if (what === 'take') {
          const first = line.next(() => true);
          if (first === null) continue;
          line.take(first);
          here.delete(first);
          const firsts = new Set<PeerId>();
          for (const other of line.inTurn()) {
            if (firsts.has(other.requester) || other.requester === first.requester) continue;
            firsts.add(other.requester);
            const counts = overtakes.get(other)!;
            counts.set(first.requester, (counts.get(first.requester) ?? 0) + 1);
            expect(counts.get(first.requester)).toBeLessThanOrEqual(1);
          }
        } else {
          const one = [...here][pick % Math.max(1, here.size)];
          if (one === undefined) continue;
          line.remove(one);
          here.delete(one);
          // Whoever moves up to the front of its requester's own counts from there.
          for (const counts of overtakes.values()) counts.clear();
        }
        const order = [...line.inTurn()];
        expect(line.size).toBe(here.size);
        expect(order.length).toBe(here.size);
        expect(new Set(order)).toEqual(here);
        order.forEach((one, i) => expect(line.position(one)).toBe(i + 1));
      }
    }),
  );
});
