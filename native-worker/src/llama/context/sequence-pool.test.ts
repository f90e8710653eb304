import type { Token } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { CHUNK, type Reading, type Seat } from './seat.ts';
import { chooseSeat } from './sequence-pool.ts';
import { pretendSeat, tokens } from '../../testing/pretend-sequence.ts';

const reading = (of: Token[], asker = 'ada', open = 0): Reading => ({ tokens: of, asker, open, exact: true });
const system = tokens(4 * CHUNK);
const chat = (from: number, length = CHUNK) => [...system, ...tokens(length, from)];

async function seatThatHolds(place: number, of: Reading): Promise<Seat> {
  const { seat, sequence } = pretendSeat(place);
  sequence.write(await seat.prefill(of, () => {}));
  return seat;
}

describe('chooseSeat, with pretended sequences', () => {
  const nobody = new Set<number>();

  it('brings a conversation back to the seat that knows it', async () => {
    const free = [pretendSeat(0).seat, await seatThatHolds(1, reading(chat(1000))), pretendSeat(2).seat];
    const next = [...chat(1000), ...tokens(10, 5000)];
    expect(chooseSeat(free, new Set([3]), reading(next))?.place).toBe(1);
  });

  it('shares a system prompt with another chat, of another asker too', async () => {
    const free = [pretendSeat(0).seat, await seatThatHolds(1, reading(chat(1000), 'ada', system.length))];
    expect(chooseSeat(free, nobody, reading(chat(2000), 'bob'))?.place).toBe(1);
  });

  it('throws no long conversation away for a short beginning', async () => {
    const long = await seatThatHolds(0, reading(chat(1000, 12 * CHUNK)));
    const old = await seatThatHolds(1, reading(tokens(CHUNK, 9000)));
    expect(chooseSeat([old, long], nobody, reading(chat(2000)))).toBe(old);
    // One that was long ago left alone is worth less.
    expect(chooseSeat([long, old], nobody, reading(chat(2000)))).toBe(long);
  });

  it('otherwise sits down beside those at work, and else where nobody sat for longest', async () => {
    const free = [2, 0, 3, 1].map((place) => pretendSeat(place).seat);
    expect(chooseSeat(free, nobody, reading(chat(1000)))?.place).toBe(2);
    expect(chooseSeat(free.slice(1), new Set([2]), reading(chat(1000)))?.place).toBe(3);
    expect(chooseSeat([], new Set([0, 1, 2, 3]), reading(chat(1000)))).toBe(null);
  });
});
