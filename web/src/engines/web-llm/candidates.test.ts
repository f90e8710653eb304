import { describe, expect, it } from 'vitest';
import { MARGIN_CAP } from '@llmesh/core/proof/deviation';
import type { Cuts } from '@llmesh/core/proof/cuts/cut-edge';
import { Candidates } from './candidates.ts';
import { Ranking } from './ranking.ts';

const ALL: Cuts = { temperature: 1, topK: 0, topP: 1, minP: 0 };
/** Of five tokens: shares 0.4, 0.3, 0.15, 0.1 and 0.05, in another order. */
const SHARES = [0.1, 0.4, 0.05, 0.3, 0.15];
const ORDER = [1, 3, 4, 0, 2];
const logits = Float32Array.from(SHARES, (share) => Math.log(share) + 7);

function of(cuts: Partial<Cuts>, row = logits): Candidates {
  return new Candidates(new Ranking(row, 3), { ...ALL, ...cuts });
}

describe('candidates', () => {
  it('draws the likeliest first, each with its share', () => {
    const all = of({});
    const drawn = [0, 0.39, 0.41, 0.69, 0.71, 0.84, 0.86, 0.94, 0.96, 0.999].map((u) => all.drawn(u));
    expect(drawn).toEqual(ORDER.flatMap((id) => [id, id]));
  });

  it('cuts by number, then by share of those that are left, then by the likeliest, and scales last', () => {
    const last = (cuts: Partial<Cuts>) => of(cuts).drawn(1 - 2 ** -53);
    expect(last({ topK: 3 })).toBe(4);
    // Of three with 0.85 together, two have 0.82 of it.
    expect(last({ topP: 0.82 })).toBe(4);
    expect(last({ topK: 3, topP: 0.82 })).toBe(3);
    expect(last({ topP: 0 })).toBe(1);
    expect(last({ minP: 0.3 })).toBe(4);
    // The temperature moves no cut: a hot draw would otherwise let in more.
    expect(last({ minP: 0.3, temperature: 2 })).toBe(4);
    expect(of({ temperature: 0.1 }).drawn(0.94)).toBe(1);
    expect(of({ temperature: 100 }).drawn(0.79)).toBe(0);
  });

  it('says how far a token is from being drawn, in logits', () => {
    const odds = (share: number) => Math.log(share / (1 - share));
    expect(of({}).margin(3, 0.5)).toBe(0);
    expect(of({}).margin(1, 0.41)).toBeCloseTo(odds(0.41) - odds(0.4), 5);
    // It could take the place of the one before it.
    expect(of({}).margin(4, 0.5)).toBeCloseTo(Math.log(0.3 / 0.15), 5);
    expect(of({}).margin(0, 0.1)).toBeGreaterThan(MARGIN_CAP);
    // They were cut: only a number at the very end could mean them.
    expect(of({ topK: 2 }).margin(4, 0.999)).toBe(0);
    expect(of({ topK: 2 }).margin(2, 0.4)).toBeGreaterThan(MARGIN_CAP);
  });

  it('is no more surprising than it says, on average', () => {
    const some = of({ temperature: 0.7, topK: 4, topP: 0.9 });
    const tokens = Array.from({ length: 2000 }, (_, i) => some.drawn((i + 0.5) / 2000));
    const surprise = tokens.reduce((sum, id) => sum - some.logprob(id), 0) / tokens.length;
    expect(some.entropy).toBeCloseTo(surprise, 2);
    expect(of({}).logprob(0)).toBeCloseTo(Math.log(0.1), 5);
    expect(some.logprob(2)).toBe(-Infinity);
  });
});

describe('a ranking', () => {
  it('goes on sorting where it is asked for more than it was made for, and knows ties and what is no number', () => {
    const many = Float32Array.from({ length: 5000 }, (_, id) => Math.sin(id * 12.9898) * 8);
    many[17] = NaN;
    many[40] = many[41] = 9;
    const wanted = [...many.keys()].filter((id) => id !== 17).sort((a, b) => (many[b] ?? 0) - (many[a] ?? 0) || a - b);
    const ranking = new Ranking(many, 2);
    expect(wanted.map((_, rank) => ranking.at(rank))).toEqual(wanted);
    expect(ranking.at(4999)).toBe(17);
  });

  it('does not draw from what a broken graphics card computes', () => {
    expect(() => new Ranking(new Float32Array(9).fill(NaN), 4)).toThrow('no numbers');
  });
});
