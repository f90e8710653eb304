import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EDGE_NOISE } from './cut-edge.ts';
import { Likelihoods } from './likelihoods.ts';

const SHARES = [0.5, 0.3, 0.15, 0.04, 0.01];
const CUTS = { topK: 0, topP: 1, minP: 0, temperature: 1 };

describe('how likely tokens are', () => {
  it('is said of those that are kept, which together are one', () => {
    const all = new Likelihoods(SHARES, CUTS);
    expect(all.logprob(2)).toBeCloseTo(Math.log(0.15), 9);
    expect(all.entropy).toBeCloseTo(-SHARES.reduce((sum, one) => sum + one * Math.log(one), 0), 9);
    const two = new Likelihoods(SHARES, { ...CUTS, topP: 0.6 });
    expect(two.logprob(1)).toBeCloseTo(Math.log(0.3 / 0.8), 9);
    expect(new Likelihoods(SHARES, { ...CUTS, minP: 0.9 }).entropy).toBe(0);
  });

  it('is nothing where every honest engine cuts them off, and that of the last one kept where noise could let them in', () => {
    const byP = new Likelihoods(SHARES, { ...CUTS, topP: 0.6 });
    expect([byP.logprob(2), byP.logprob(4)]).toEqual([-Infinity, -Infinity]);
    // The first two have 0.8, which is hardly more than enough: the third may be in, and the fourth may not.
    const near = new Likelihoods(SHARES, { ...CUTS, topP: 0.79 });
    expect([near.logprob(2), near.logprob(3)]).toEqual([near.logprob(1), -Infinity]);
    const byMin = new Likelihoods(SHARES, { ...CUTS, minP: 0.32 });
    expect([byMin.logprob(2), byMin.logprob(3)]).toEqual([byMin.logprob(1), -Infinity]);
    const byK = new Likelihoods(SHARES, { ...CUTS, topK: 5 });
    expect([byK.logprobOutside(), byK.logprobOutside(0.009), byK.logprobOutside(0.001)]).toEqual([
      byK.logprob(4),
      byK.logprob(4),
      -Infinity,
    ]);
  });

  it('is never nothing for what an engine with a little noise keeps', () => {
    const weights = fc.array(fc.double({ min: -6, max: 0, noNaN: true }), { minLength: 2, maxLength: 40 });
    const noise = fc.double({ min: -EDGE_NOISE / 5, max: EDGE_NOISE / 5, noNaN: true });
    const cuts = fc.record({
      ...{ topK: fc.integer({ min: 1, max: 40 }), topP: fc.double({ min: 0.05, max: 1, noNaN: true }) },
      ...{
        minP: fc.double({ min: 0, max: 0.5, noNaN: true }),
        temperature: fc.double({ min: 0.2, max: 2, noNaN: true }),
      },
    });
    fc.assert(
      fc.property(weights, fc.array(noise, { minLength: 40, maxLength: 40 }), cuts, (logits, noises, how) => {
        const [own, other] = [logits, logits.map((logit, i) => logit + noises[i]!)].map((row) => engine(row, how));
        for (const token of other!.kept) {
          const rank = own!.order.indexOf(token);
          const { shares, shareOf } = own!;
          const all = new Likelihoods(shares, how);
          const logprob = rank < shares.length ? all.logprob(rank) : all.logprobOutside(shareOf(token));
          expect(logprob).toBeGreaterThan(-Infinity);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** What an engine with these logits has to choose from: `order`: all tokens, the likeliest first. */
function engine(logits: readonly number[], how: typeof CUTS) {
  const order = logits.map((_, i) => i).toSorted((a, b) => logits[b]! - logits[a]! || a - b);
  const left = order.slice(0, how.topK);
  const total = left.reduce((sum, token) => sum + Math.exp(logits[token]! / how.temperature), 0);
  const shareOf = (token: number) => Math.exp(logits[token]! / how.temperature) / total;
  const mass = left.reduce((sum, token) => sum + Math.exp(logits[token]!), 0);
  const kept: number[] = [];
  let sum = 0;
  for (const token of left) {
    const isOut = sum >= how.topP * mass || Math.exp(logits[token]! - logits[left[0]!]!) < how.minP;
    if (kept.length > 0 && isOut) break;
    kept.push(token);
    sum += Math.exp(logits[token]!);
  }
  return { order, kept, shareOf, shares: left.map(shareOf) };
}
