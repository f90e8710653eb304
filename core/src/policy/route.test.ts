import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newPeerId, type ModelId, type PeerId } from '../base/ids.ts';
import { expectedSeconds, rank } from './route.ts';
import type { Candidate } from '../wire/candidate.ts';
import { mulberry32 } from '../testing/mulberry32.ts';

function candidate(
  changes: Partial<Candidate> & { tokensPerSecond?: number | null; wakesInMs?: number } = {},
): Candidate {
  const { tokensPerSecond = 20, wakesInMs, ...rest } = changes;
  return {
    peerId: newPeerId(),
    agent: 'browser',
    model: {
      id: 'm' as ModelId,
      name: 'M',
      quant: 'q4',
      format: 'gguf',
      backend: 'cpu',
      contextTokens: 2048,
      sha256: null,
      tokensPerSecond,
      continues: 'ids',
      ...(wakesInMs !== undefined && { wakesInMs }),
    },
    slots: 1,
    busySlots: 0,
    queued: 0,
    reliability: 1,
    certificate: null,
    ...rest,
  };
}

const context = (changes = {}) => ({
  exclude: new Set<PeerId>(),
  prefer: null,
  rttMs: () => null,
  random: mulberry32(1),
  ...changes,
});

describe('rank', () => {
  it('keeps everyone who is not excluded, once', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 30 }), fc.integer(), (busy, seed) => {
        const all = busy.map((busySlots) => candidate({ slots: 2, busySlots }));
        const exclude = new Set(all.slice(0, 3).map(({ peerId }) => peerId));
        const ranked = rank(all, context({ exclude, random: mulberry32(seed) }));
        expect(new Set(ranked)).toEqual(new Set(all.slice(3)));
        expect(ranked.length).toBe(Math.max(0, all.length - 3));
      }),
    );
  });

  it('puts free slots before busy ones, however fast those are', () => {
    const busy = candidate({ busySlots: 1, tokensPerSecond: 500 });
    const free = candidate({ tokensPerSecond: 2 });
    for (let seed = 0; seed < 50; seed++) {
      expect(rank([busy, free], context({ random: mulberry32(seed) }))[0]).toBe(free);
    }
  });

  it('prefers the fast without swamping them', () => {
    const fast = candidate({ tokensPerSecond: 60 });
    const slow = candidate({ tokensPerSecond: 20 });
    const random = mulberry32(42);
    let first = 0;
    for (let i = 0; i < 2_000; i++) if (rank([slow, fast], context({ random }))[0] === fast) first++;
    expect(first).toBeGreaterThan(1_600);
    expect(first).toBeLessThan(1_980);
  });

  it('spreads evenly over equals', () => {
    const all = Array.from({ length: 4 }, () => candidate());
    const random = mulberry32(7);
    const firsts = new Map<Candidate, number>();
    for (let i = 0; i < 4_000; i++) {
      const best = rank(all, context({ random }))[0]!;
      firsts.set(best, (firsts.get(best) ?? 0) + 1);
    }
    for (const one of all) expect(Math.abs((firsts.get(one) ?? 0) - 1_000)).toBeLessThan(150);
  });

  it('puts whoever has the conversation first, unless it is full, far slower, or was just tried', () => {
    const warm = candidate({ tokensPerSecond: 20 });
    const others = [candidate({ tokensPerSecond: 30 }), candidate({ tokensPerSecond: 15 })];
    const prefer = warm.peerId;
    const firsts = (all: Candidate[], changes = {}) =>
      new Set(
        Array.from(
          { length: 100 },
          (_, seed) => rank(all, context({ prefer, random: mulberry32(seed), ...changes }))[0],
        ),
      );
    expect(firsts([...others, warm])).toEqual(new Set([warm]));
    expect(firsts([...others, { ...warm, busySlots: 1 }])).toEqual(new Set(others));
    expect(firsts([...others, warm, candidate({ tokensPerSecond: 50 })]).size).toBe(4);
    expect(firsts([...others, warm], { exclude: new Set([prefer]) })).toEqual(new Set(others));
  });

  it('loads no model while one in memory is as good, and one that is done sooner even so', () => {
    const inMemory = candidate({ tokensPerSecond: 20 });
    const resting = candidate({ tokensPerSecond: 40, wakesInMs: 6_000 });
    const fast = candidate({ tokensPerSecond: 400, wakesInMs: 3_000 });
    const firsts = (all: Candidate[], prefer: PeerId | null = null) =>
      new Set(Array.from({ length: 100 }, (_, seed) => rank(all, context({ prefer, random: mulberry32(seed) }))[0]));
    expect(firsts([resting, inMemory])).toEqual(new Set([inMemory]));
    // It has forgotten the conversation with its memory.
    expect(firsts([resting, inMemory], resting.peerId)).toEqual(new Set([inMemory]));
    expect(firsts([fast, inMemory])).toEqual(new Set([fast, inMemory]));
    expect(firsts([resting, { ...inMemory, busySlots: 1 }])).toEqual(new Set([resting]));
    expect(expectedSeconds(resting, 0) - expectedSeconds(candidate({ tokensPerSecond: 40 }), 0)).toBeCloseTo(6);
  });

  it('prefers those who bring their answers to an end', () => {
    const sure = candidate({ reliability: 1 });
    const doubtful = candidate({ reliability: 0.5 });
    const random = mulberry32(3);
    let first = 0;
    for (let i = 0; i < 1_000; i++) if (rank([doubtful, sure], context({ random }))[0] === sure) first++;
    expect(first).toBeGreaterThan(840);
    expect(first).toBeLessThan(938);
    expect(expectedSeconds(candidate({ reliability: 0 }), 5)).toBeLessThan(Infinity);
  });

  it('counts the way there and the wait', () => {
    expect(expectedSeconds(candidate(), 500)).toBeGreaterThan(expectedSeconds(candidate(), 5));
    expect(expectedSeconds(candidate({ busySlots: 1, queued: 2 }), 5)).toBeGreaterThan(
      expectedSeconds(candidate({ busySlots: 1 }), 5),
    );
    expect(expectedSeconds(candidate({ tokensPerSecond: 0, slots: 0 }), 5)).toBeLessThan(Infinity);
  });
});
