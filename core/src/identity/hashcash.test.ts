import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHash } from 'node:crypto';
import { CHALLENGE_BYTES, check, MAX_BITS, solve } from './hashcash.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { randomBytes } from '../base/random-bytes.ts';

const never = new AbortController().signal;
const challenge = randomBytes(CHALLENGE_BYTES);
const key = randomBytes(32);

describe('hashcash', () => {
  it('finds a number that anyone can check, for this challenge and key only', async () => {
    const number = await solve(challenge, key, 12, never);
    expect(check(challenge, key, 12, number)).toBe(true);
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(number));
    const hash = createHash('sha256').update('llmesh/1/join\0').update(challenge).update(key).update(bytes).digest();
    expect(hash.readUInt16BE() >> 4).toBe(0);
    let luck = 0;
    for (let i = 0; i < 32; i++) {
      if (check(challenge.with(i, (challenge[i] ?? 0) ^ 1), key, 12, number)) luck += 1;
      if (check(challenge, key.with(i, (key[i] ?? 0) ^ 1), 12, number)) luck += 1;
    }
    expect(luck).toBeLessThan(3);
  });

  it('checks nothing but such numbers', () => {
    for (const number of [-1, 0.5, NaN, Infinity, 2 ** 53]) expect(check(challenge, key, 0, number)).toBe(false);
    expect(check(challenge, key, 0, 2 ** 53 - 1)).toBe(true);
    expect(check(challenge, key, MAX_BITS + 1, 0)).toBe(false);
    expect(check(challenge.slice(1), key, 0, 0)).toBe(false);
    expect(check(challenge, key.slice(1), 0, 0)).toBe(false);
  });

  it('counts bits right', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (number) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigUInt64BE(BigInt(number));
        const hash = createHash('sha256')
          .update('llmesh/1/join\0')
          .update(challenge)
          .update(key)
          .update(bytes)
          .digest();
        const zeros = Math.clz32(hash.readUInt32BE());
        for (let bits = 0; bits <= MAX_BITS; bits++) expect(check(challenge, key, bits, number)).toBe(bits <= zeros);
      }),
    );
  });

  it('gives way while it works, and stops when asked to', async () => {
    const clock = new ManualClock();
    const abort = new AbortController();
    let turns = 0;
    let nowMs = 0;
    const counting = {
      now: () => (nowMs += 4),
      after: (ms: number, run: () => void) => {
        turns += 1;
        if (turns === 5) abort.abort();
        return clock.after(ms, run);
      },
    };
    const solving = expect(solve(challenge, key, MAX_BITS, abort.signal, counting)).rejects.toMatchObject({
      code: 'cancelled',
    });
    await clock.advance(1);
    await solving;
    expect(turns).toBe(5);
    await expect(solve(challenge, key, 1, abort.signal)).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('does not work for a server that asks for too much', async () => {
    await expect(solve(challenge, key, MAX_BITS + 1, never)).rejects.toMatchObject({ code: 'work_refused' });
    await expect(solve(randomBytes(5), key, 1, never)).rejects.toMatchObject({ code: 'work_refused' });
  });
});
