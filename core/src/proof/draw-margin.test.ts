import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cuts } from './cuts/cut-edge.ts';
import { drawMargin } from './draw-margin.ts';

const odds = (share: number) => Math.log(share / (1 - share));
const SHARES = [0.5, 0.3, 0.15, 0.05];

const NO_CUTS: Cuts = { topK: 0, topP: 1, minP: 0, temperature: 1 };

/** What a token is drawn from: its shares, and the tokens in this order. */
function candidates(logits: readonly number[], cuts = NO_CUTS): { shares: number[]; ids: number[] } {
  const ids = [...logits.keys()].toSorted((a, b) => logits[b]! - logits[a]! || a - b);
  const all = sharesOf(ids.map((id) => Math.exp(logits[id]!)));
  let sum = 0;
  const enough = all.findIndex((share) => (sum += share) >= cuts.topP);
  const kept = ids.slice(0, enough === -1 ? undefined : enough + 1);
  const likely = kept.filter((_, rank) => all[rank]! >= all[0]! * cuts.minP);
  return { shares: sharesOf(likely.map((id) => Math.exp(logits[id]! / cuts.temperature))), ids: likely };
}

function sharesOf(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, one) => total + one, 0);
  return weights.map((one) => one / sum);
}

function drawnFrom({ shares, ids }: ReturnType<typeof candidates>, draw: number): number {
  let sum = 0;
  return ids[shares.findIndex((share) => (sum += share) >= draw)] ?? ids.at(-1)!;
}

describe('how far a token is from being drawn', () => {
  it('is nothing within its range, and the odds to its edge without', () => {
    expect(drawMargin(SHARES, 0, 0.2)).toBe(0);
    expect(drawMargin(SHARES, 3, 0.96)).toBe(0);
    expect(drawMargin(SHARES, 0, 0.51)).toBeCloseTo(odds(0.51) - odds(0.5), 9);
    expect(drawMargin(SHARES, 1, 0.49)).toBeCloseTo(odds(0.5) - odds(0.49), 9);
    expect(drawMargin(SHARES, 3, 0)).toBeLessThan(30);
    expect(drawMargin(SHARES, 0, 1 - 2 ** -53)).toBeLessThan(100);
  });

  it('is small where two tokens are about as likely, whichever of them comes first', () => {
    const close = [0.4, 0.399, 0.201];
    expect(drawMargin(close, 1, 0.1)).toBeCloseTo(Math.log(0.4 / 0.399), 9);
    expect(drawMargin(close, 0, 0.7)).toBeCloseTo(Math.log(0.4 / 0.399), 9);
    expect(drawMargin(close, 2, 0.1)).toBeGreaterThan(0.6);
  });

  it('of a token that was cut off is small only where a last one more would be drawn', () => {
    expect(drawMargin(SHARES, -1, 0.97)).toBe(0);
    expect(drawMargin(SHARES, -1, 0.5)).toBeGreaterThan(2);
  });

  it('is never more than honest noise accounts for', () => {
    const logit = fc.double({ min: -6, max: 6, noNaN: true });
    const noise = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(logit, noise), { minLength: 2, maxLength: 12 }),
        fc.double({ min: 0, max: 0.3, noNaN: true }),
        fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true }),
        (tokens, most, draw) => {
          const provider = candidates(tokens.map(([z]) => z));
          const auditor = candidates(tokens.map(([z, part]) => z + part * most));
          const rank = auditor.ids.indexOf(drawnFrom(provider, draw));
          expect(drawMargin(auditor.shares, rank, draw)).toBeLessThanOrEqual(2 * most + 1e-6);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('takes no more noise than it does where the other engine keeps one token less', () => {
    const cuts = { ...NO_CUTS, topP: 0.95 };
    // 0.9501 alone is enough for one engine, 0.9499 for the other is not: it draws the second.
    const auditor = candidates([0.9499, 0.0301, 0.02].map(Math.log), cuts);
    expect(auditor.shares).toHaveLength(2);
    expect(drawMargin(auditor.shares, 0, 0.9999)).toBeGreaterThan(1);
    expect(drawMargin(auditor.shares, 0, 0.9999, cuts)).toBeLessThan(0.01);
    // Far from the cut, there is no such excuse.
    expect(drawMargin([0.9, 0.1], 0, 0.9999, cuts)).toBeGreaterThan(0.7);
  });

  it('takes no more noise than it does where the other engine keeps one token more', () => {
    const cuts = { ...NO_CUTS, topP: 0.95 };
    const auditor = candidates([0.9, 0.0501, 0.0499].map(Math.log), cuts);
    expect(auditor.shares).toHaveLength(2);
    expect(drawMargin(auditor.shares, 1, 0.93)).toBeGreaterThan(0.2);
    expect(drawMargin(auditor.shares, 1, 0.93, cuts)).toBe(0);
  });

  it('is little more than honest noise accounts for, where sampling cuts tokens off', () => {
    const logit = fc.double({ min: -6, max: 6, noNaN: true });
    const noise = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(logit, noise), { minLength: 2, maxLength: 12 }),
        fc.double({ min: 0, max: 0.05, noNaN: true }),
        fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true }),
        fc.record({
          topK: fc.constant(0),
          topP: fc.constantFrom(0.8, 0.95, 1),
          minP: fc.constantFrom(0, 0.05),
          temperature: fc.constantFrom(0.7, 1, 1.5),
        }),
        (tokens, most, draw, cuts) => {
          const provider = candidates(
            tokens.map(([z]) => z),
            cuts,
          );
          const auditor = candidates(
            tokens.map(([z, part]) => z + part * most),
            cuts,
          );
          const rank = auditor.ids.indexOf(drawnFrom(provider, draw));
          // Scored as one that was cut off: see there.
          if (rank < 0) return;
          expect(drawMargin(auditor.shares, rank, draw, cuts)).toBeLessThanOrEqual(
            (4 * most) / Math.min(1, cuts.temperature) + 1e-6,
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});
