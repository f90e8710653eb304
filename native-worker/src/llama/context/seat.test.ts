import type { Token } from 'node-llama-cpp';
import { beforeEach, describe, expect, it } from 'vitest';
import { cancelled } from '@llmesh/core/base/errors';
import { CHUNK, type Reading, type Seat } from './seat.ts';
import { pretendSeat, tokens, type PretendSequence } from '../../testing/pretend-sequence.ts';

const wanted = () => {};
const read = (of: readonly Token[], more: Partial<Reading> = {}): Reading => ({
  tokens: of,
  asker: 'ada',
  open: 0,
  exact: true,
  ...more,
});

describe('Seat, with a pretended sequence', () => {
  const prompt = tokens(CHUNK + 10);
  const written = tokens(5, 1000);
  let sequence: PretendSequence;
  let seat: Seat;
  beforeEach(() => {
    ({ seat, sequence } = pretendSeat());
  });

  it('computes a prompt in the same chunks, however it goes on', async () => {
    expect(await seat.prefill(read(prompt), wanted)).toEqual(prompt.slice(CHUNK));
    expect(sequence.batches).toEqual([CHUNK]);
    await seat.forget();
    expect(await seat.replay(read(prompt), written, wanted)).toEqual(written.slice(-1));
    expect(sequence.batches).toEqual([CHUNK, CHUNK, 10, 1, 1, 1, 1]);
    expect([...sequence.contextTokens, ...written.slice(-1)]).toEqual([...prompt, ...written]);
  });

  it('knows the whole chunks of a prompt again, and no token that was computed alone', async () => {
    const long = tokens(2 * CHUNK, 1000);
    await seat.replay(read(prompt), long, wanted);
    const next = read([...prompt, ...long]);
    expect(seat.reusable(next)).toBe(CHUNK);
    await seat.prefill(next, wanted);
    expect(sequence.batches.slice(-2)).toEqual([CHUNK, CHUNK]);
    expect(seat.reusable(next)).toBe(3 * CHUNK);
  });

  it('goes on behind its own answer where it need not come out the same each time', async () => {
    sequence.write(await seat.prefill(read(prompt), wanted));
    sequence.write(written);
    const next = [...prompt, ...written, ...tokens(20, 2000)];
    const loose = read(next, { exact: false });
    expect(seat.reusable(loose)).toBe(prompt.length + written.length);
    expect(seat.lost(loose)).toBe(0);
    expect(await seat.prefill(loose, wanted)).toEqual(tokens(20, 2000));
    expect(sequence.batches).toEqual([CHUNK]);
  });

  it('takes nothing for exact that was computed behind an answer', async () => {
    sequence.write(await seat.prefill(read(prompt), wanted));
    sequence.write(written);
    const next = [...prompt, ...written, ...tokens(4 * CHUNK, 2000)];
    sequence.write(await seat.prefill(read(next, { exact: false }), wanted));
    expect(seat.reusable(read([...next, ...written]))).toBe(CHUNK);
    await seat.prefill(read([...next, ...written]), wanted);
    expect(seat.reusable(read(next))).toBe(next.length - 1 - ((next.length - 1) % CHUNK));
  });

  it('never knows the last token of a prompt: something has to be computed', async () => {
    sequence.write(await seat.prefill(read(prompt), wanted));
    expect(seat.reusable(read(prompt, { exact: false }))).toBe(prompt.length - 1);
  });

  it.each([true, false])(
    'lets another asker know of the system prompt alone, in whole chunks (exact: %s)',
    async (exact) => {
      const system = tokens(2 * CHUNK + 20);
      const all = [...system, ...tokens(4 * CHUNK, 1000)];
      sequence.write(await seat.prefill(read(all, { open: system.length, exact }), wanted));
      expect(seat.reusable(read(all, { exact }))).toBeGreaterThanOrEqual(all.length - CHUNK);
      expect(seat.reusable(read(all, { exact, asker: 'bob' }))).toBe(2 * CHUNK);
      expect(seat.reusable(read(all, { exact, asker: null }))).toBe(2 * CHUNK);
      // Bob calls the same words his own system prompt: Ada's did not end there.
      expect(seat.reusable(read(all, { exact, asker: 'bob', open: all.length }))).toBe(2 * CHUNK);
      // From now on it is Bob's, and all of it.
      await seat.prefill(read(all, { exact, asker: 'bob', open: 0 }), wanted);
      expect(seat.reusable(read(all, { exact, asker: 'ada', open: system.length }))).toBe(0);
    },
  );

  it('begins anew where a sequence cannot go back', async () => {
    await seat.prefill(read(prompt), wanted);
    sequence.adaptStateToTokens = async () => {
      sequence.contextTokens = [];
    };
    expect(await seat.prefill(read([...prompt, ...written]), wanted)).toHaveLength(15);
    expect(sequence.batches).toEqual([CHUNK, CHUNK]);
  });

  it('hears a cancel after every written token', async () => {
    let left = 4;
    const check = () => {
      left -= 1;
      if (left === 0) throw cancelled();
    };
    // After the adapted state, the chunk, and the rest of the prompt: after the first written token.
    await expect(seat.replay(read(prompt), written, check)).rejects.toMatchObject({ code: 'cancelled' });
    expect(sequence.batches).toEqual([CHUNK, 10, 1]);
  });
});
