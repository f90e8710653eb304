import type { Token } from 'node-llama-cpp';
import { beforeEach, describe, expect, it } from 'vitest';
import { cancelled } from '@llmesh/core/base/errors';
import { CHUNK, type Reading, type AnswerSequence } from './answer-sequence.ts';
import { pretendSequence, tokens, type PretendSequence } from '../../testing/pretend-sequence.ts';

const wanted = () => {};
const read = (of: readonly Token[], more: Partial<Reading> = {}): Reading => ({
  tokens: of,
  requester: 'ada',
  open: 0,
  exact: true,
  ...more,
});

describe('AnswerSequence, with a pretended sequence', () => {
  const prompt = tokens(CHUNK + 10);
  const written = tokens(5, 1000);
  let llama: PretendSequence;
  let sequence: AnswerSequence;
  beforeEach(() => {
    ({ sequence, llama } = pretendSequence());
  });

  it('computes a prompt in the same chunks, however it continues', async () => {
    expect(await sequence.prefill(read(prompt), wanted)).toEqual(prompt.slice(CHUNK));
    expect(llama.batches).toEqual([CHUNK]);
    await sequence.forget();
    expect(await sequence.replay(read(prompt), written, wanted)).toEqual(written.slice(-1));
    expect(llama.batches).toEqual([CHUNK, CHUNK, 10, 1, 1, 1, 1]);
    expect([...llama.contextTokens, ...written.slice(-1)]).toEqual([...prompt, ...written]);
  });

  it('knows the whole chunks of a prompt again, and no token that was computed alone', async () => {
    const long = tokens(2 * CHUNK, 1000);
    await sequence.replay(read(prompt), long, wanted);
    const next = read([...prompt, ...long]);
    expect(sequence.reusable(next)).toBe(CHUNK);
    await sequence.prefill(next, wanted);
    expect(llama.batches.slice(-2)).toEqual([CHUNK, CHUNK]);
    expect(sequence.reusable(next)).toBe(3 * CHUNK);
  });

  it('continues behind its own answer where it need not come out the same each time', async () => {
    llama.write(await sequence.prefill(read(prompt), wanted));
    llama.write(written);
    const next = [...prompt, ...written, ...tokens(20, 2000)];
    const loose = read(next, { exact: false });
    expect(sequence.reusable(loose)).toBe(prompt.length + written.length);
    expect(sequence.lost(loose)).toBe(0);
    expect(await sequence.prefill(loose, wanted)).toEqual(tokens(20, 2000));
    expect(llama.batches).toEqual([CHUNK]);
  });

  it('takes nothing for exact that was computed behind an answer', async () => {
    llama.write(await sequence.prefill(read(prompt), wanted));
    llama.write(written);
    const next = [...prompt, ...written, ...tokens(4 * CHUNK, 2000)];
    llama.write(await sequence.prefill(read(next, { exact: false }), wanted));
    expect(sequence.reusable(read([...next, ...written]))).toBe(CHUNK);
    await sequence.prefill(read([...next, ...written]), wanted);
    expect(sequence.reusable(read(next))).toBe(next.length - 1 - ((next.length - 1) % CHUNK));
  });

  it('never knows the last token of a prompt: something has to be computed', async () => {
    llama.write(await sequence.prefill(read(prompt), wanted));
    expect(sequence.reusable(read(prompt, { exact: false }))).toBe(prompt.length - 1);
  });

  it.each([true, false])(
    'lets another requester know of the system prompt alone, in whole chunks (exact: %s)',
    async (exact) => {
      const system = tokens(2 * CHUNK + 20);
      const all = [...system, ...tokens(4 * CHUNK, 1000)];
      llama.write(await sequence.prefill(read(all, { open: system.length, exact }), wanted));
      expect(sequence.reusable(read(all, { exact }))).toBeGreaterThanOrEqual(all.length - CHUNK);
      expect(sequence.reusable(read(all, { exact, requester: 'bob' }))).toBe(2 * CHUNK);
      expect(sequence.reusable(read(all, { exact, requester: null }))).toBe(2 * CHUNK);
      // Bob calls the same words his own system prompt: Ada's did not end there.
      expect(sequence.reusable(read(all, { exact, requester: 'bob', open: all.length }))).toBe(2 * CHUNK);
      // From now on all of it is Bob's.
      await sequence.prefill(read(all, { exact, requester: 'bob', open: 0 }), wanted);
      expect(sequence.reusable(read(all, { exact, requester: 'ada', open: system.length }))).toBe(0);
    },
  );

  it('begins again where llama.cpp cannot go back', async () => {
    await sequence.prefill(read(prompt), wanted);
    llama.adaptStateToTokens = async () => {
      llama.contextTokens = [];
    };
    expect(await sequence.prefill(read([...prompt, ...written]), wanted)).toHaveLength(15);
    expect(llama.batches).toEqual([CHUNK, CHUNK]);
  });

  it('hears a cancel after every written token', async () => {
    let left = 4;
    const check = () => {
      left -= 1;
      if (left === 0) throw cancelled();
    };
    // After the adapted state, the chunk, and the rest of the prompt: after the first written token.
    await expect(sequence.replay(read(prompt), written, check)).rejects.toMatchObject({ code: 'cancelled' });
    expect(llama.batches).toEqual([CHUNK, 10, 1]);
  });
});
