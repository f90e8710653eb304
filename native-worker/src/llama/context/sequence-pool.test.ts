import type { Token } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { CHUNK, type Reading, type AnswerSequence } from './answer-sequence.ts';
import { chooseSequence } from './sequence-pool.ts';
import { pretendSequence, tokens } from '../../testing/pretend-sequence.ts';

const reading = (of: Token[], requester = 'ada', open = 0): Reading => ({ tokens: of, requester, open, exact: true });
const system = tokens(4 * CHUNK);
const chat = (from: number, length = CHUNK) => [...system, ...tokens(length, from)];

async function sequenceThatHolds(place: number, of: Reading): Promise<AnswerSequence> {
  const { sequence, llama } = pretendSequence(place);
  llama.write(await sequence.prefill(of, () => {}));
  return sequence;
}

describe('chooseSequence, with pretended sequences', () => {
  const nobody = new Set<number>();

  it('brings a conversation back to the sequence that knows it', async () => {
    const free = [
      pretendSequence(0).sequence,
      await sequenceThatHolds(1, reading(chat(1000))),
      pretendSequence(2).sequence,
    ];
    const next = [...chat(1000), ...tokens(10, 5000)];
    expect(chooseSequence(free, new Set([3]), reading(next))?.index).toBe(1);
  });

  it('shares a system prompt with another chat, of another requester too', async () => {
    const free = [pretendSequence(0).sequence, await sequenceThatHolds(1, reading(chat(1000), 'ada', system.length))];
    expect(chooseSequence(free, nobody, reading(chat(2000), 'bob'))?.index).toBe(1);
  });

  it('throws no long conversation away for a short beginning', async () => {
    const long = await sequenceThatHolds(0, reading(chat(1000, 12 * CHUNK)));
    const old = await sequenceThatHolds(1, reading(tokens(CHUNK, 9000)));
    expect(chooseSequence([old, long], nobody, reading(chat(2000)))).toBe(old);
    // A conversation that ended long ago is worth less.
    expect(chooseSequence([long, old], nobody, reading(chat(2000)))).toBe(long);
  });

  it('otherwise takes a place beside those at work, else the one that was free for longest', async () => {
    const free = [2, 0, 3, 1].map((place) => pretendSequence(place).sequence);
    expect(chooseSequence(free, nobody, reading(chat(1000)))?.index).toBe(2);
    expect(chooseSequence(free.slice(1), new Set([2]), reading(chat(1000)))?.index).toBe(3);
    expect(chooseSequence([], new Set([0, 1, 2, 3]), reading(chat(1000)))).toBe(null);
  });
});
