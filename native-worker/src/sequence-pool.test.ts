import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { beforeEach, describe, expect, it } from 'vitest';
import { cancelled } from '@llmesh/core/errors';
import { CHUNK, Seat } from './sequence-pool.ts';

/** Keeps the tokens that it is given, and computes nothing. */
class PretendSequence {
  batches: number[] = [];
  kept: Token[] = [];

  get nextTokenIndex(): number {
    return this.kept.length;
  }

  async adaptStateToTokens(tokens: Token[]): Promise<void> {
    this.kept = [...tokens];
  }

  async evaluateWithoutGeneratingNewTokens(tokens: Token[]): Promise<void> {
    this.batches.push(tokens.length);
    this.kept.push(...tokens);
  }

  async clearHistory(): Promise<void> {
    this.kept = [];
  }
}

const tokens = (count: number, from = 0): Token[] => Array.from({ length: count }, (_, i) => (from + i) as Token);
const wanted = () => {};

describe('Seat, with a pretended sequence', () => {
  const prompt = tokens(CHUNK + 10);
  const written = tokens(5, 1000);
  let sequence: PretendSequence;
  let seat: Seat;
  beforeEach(() => {
    sequence = new PretendSequence();
    seat = new Seat(sequence as unknown as LlamaContextSequence, 0);
  });

  it('computes a prompt in the same chunks, however it goes on', async () => {
    expect(await seat.prefill(prompt, wanted)).toEqual(prompt.slice(CHUNK));
    expect(sequence.batches).toEqual([CHUNK]);
    await seat.forget();
    expect(await seat.replay(prompt, written, wanted)).toEqual(written.slice(-1));
    expect(sequence.batches).toEqual([CHUNK, CHUNK, 10, 1, 1, 1, 1]);
    expect([...sequence.kept, ...written.slice(-1)]).toEqual([...prompt, ...written]);
  });

  it('knows the whole chunks of a prompt again, and no token that was computed alone', async () => {
    const long = tokens(2 * CHUNK, 1000);
    await seat.replay(prompt, long, wanted);
    expect(seat.shared([...prompt, ...long])).toBe(CHUNK);
    await seat.prefill([...prompt, ...long], wanted);
    expect(sequence.batches.slice(-2)).toEqual([CHUNK, CHUNK]);
    expect(seat.shared([...prompt, ...long])).toBe(3 * CHUNK);
  });

  it('hears a cancel after every written token', async () => {
    let left = 4;
    const check = () => {
      left -= 1;
      if (left === 0) throw cancelled();
    };
    // After the adapted state, the chunk, and the rest of the prompt: after the first written token.
    await expect(seat.replay(prompt, written, check)).rejects.toMatchObject({ code: 'cancelled' });
    expect(sequence.batches).toEqual([CHUNK, 10, 1]);
  });
});
