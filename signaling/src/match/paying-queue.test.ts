import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PeerId } from '@llmesh/core/base/ids';
import { networksOf } from '../sockets/address.ts';
import { PayingQueue } from './paying-queue.ts';

interface One {
  readonly name: string;
  readonly pays: boolean;
  readonly holder: { peer: PeerId; from: ReturnType<typeof networksOf> };
  old: boolean;
}

/** Each in a network of its own. */
function waiting(number: number, pays: boolean, old = false): One {
  const peer = `${pays ? 'payer' : 'guest'}${number}`;
  const from = networksOf(`10.${pays ? 1 : 2}.${number}.1`);
  return { name: peer, pays, holder: { peer: peer as PeerId, from }, old };
}

function queueOf(...all: One[]): PayingQueue<One> {
  const queue = new PayingQueue<One>(({ old }) => old);
  for (const one of all) queue.add(one);
  return queue;
}

function order(queue: PayingQueue<One>): string {
  return [...queue.inTurn()].map(({ pays }) => (pays ? 'p' : 'g')).join('');
}

const some = (count: number, pays: boolean, old = false) =>
  Array.from({ length: count }, (_, i) => waiting(i, pays, old));

describe('in line', () => {
  it('those who pay go first, and half of what would be fair is for those who do not', () => {
    expect(order(queueOf(...some(3, false), ...some(9, true)))).toBe('pppppppgppgg');
    expect(order(queueOf(...some(6, false), ...some(9, true)))).toBe('ppppgppppgpgggg');
    expect(order(queueOf(...some(1, false), ...some(99, true)))).toMatch(/^p{19}gp{80}$/);
    expect(order(queueOf(...some(3, false)))).toBe('ggg');
    expect(order(queueOf(...some(3, true)))).toBe('ppp');
  });

  it('who has waited for long without credits has what would be fair, up to every other turn', () => {
    expect(order(queueOf(...some(2, true), ...some(3, false, true)))).toBe('pgpgg');
    expect(order(queueOf(...some(6, true), ...some(2, false, true)))).toBe('pppgpppg');
  });

  it('a guest who comes does not profit from turns that were had before, and is told who goes first', () => {
    const payers = some(12, true);
    const queue = queueOf(...payers);
    for (const payer of payers.slice(0, 6)) queue.take(payer);
    const guest = waiting(1, false);
    queue.add(guest);
    expect(order(queue)).toBe('ppppppg');
    for (const payer of payers.slice(6, 9)) queue.remove(payer);
    // Four networks, of which one is the guest's.
    expect(order(queue)).toBe('pppg');
    expect(queue.isBehindPayers(guest)).toBe(true);
    expect(queue.isBehindPayers(payers[10]!)).toBe(false);
    for (const payer of payers.slice(6)) queue.remove(payer);
    expect(queue.isBehindPayers(guest)).toBe(false);
  });

  it('only who pays raises the price, each network once', () => {
    const queue = queueOf(...some(50, false), ...some(2, true));
    for (let i = 0; i < 9; i++) queue.add(waiting(0, true));
    expect(queue.bids).toBe(2);
    expect(queue.size).toBe(61);
  });

  it('nobody starves: whoever comes who pays, of twenty turns one is for those who do not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.infiniteStream(fc.nat(3)), (guests, arrivals) => {
        const all = some(guests, false);
        const queue = queueOf(...all);
        let [number, turns] = [0, 0];
        while (all.some((guest) => queue.position(guest) > 0)) {
          for (let n = arrivals.next().value + 1; n > 0; n--) queue.add(waiting(number++ % 250, true));
          queue.take(queue.next(() => true)!);
          turns++;
        }
        expect(turns).toBeLessThanOrEqual(guests * 20);
      }),
      { numRuns: 25 },
    );
  });

  it('holds exactly who came and did not go, each at its place, whatever happens', () => {
    const step = fc.record({ what: fc.constantFrom('add', 'take', 'remove'), who: fc.nat(9), pick: fc.nat(100) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = queueOf();
        const here = new Set<One>();
        for (const { what, who, pick } of steps) {
          const any = [...here][pick % Math.max(1, here.size)];
          if (what === 'add') {
            const one = waiting(who >> 1, who % 2 === 0, pick % 7 === 0);
            queue.add(one);
            here.add(one);
          } else if (any !== undefined) {
            if (what === 'take') queue.take(any);
            else queue.remove(any);
            here.delete(any);
          }
          const all = [...queue.inTurn()];
          expect(queue.size).toBe(here.size);
          expect(new Set(all)).toEqual(here);
          expect(all.map((one) => queue.position(one))).toEqual(all.map((_, i) => i + 1));
        }
      }),
    );
  });
});
