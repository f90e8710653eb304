import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PeerId } from '../base/ids.ts';
import { contradiction, PARAMETER_NAMES, PARAMETERS, type ParameterName } from './parameters.ts';
import { objection } from './proposal.ts';
import { counted, NO_BALLOTS, passed, quorumOf, type Ballot, type Choice } from './tally.ts';
import { capOf, COUNTERPARTIES, root, weightOf, type Counterparty } from './weight.ts';

const initial = (name: ParameterName) => PARAMETERS[name].initial;

describe('parameters', () => {
  it.each(PARAMETER_NAMES)('begin within their bounds, and a step leads somewhere: %s', (name) => {
    const { initial: first, min, max, step, about } = PARAMETERS[name];
    expect([first, min, max, step].every(Number.isSafeInteger)).toBe(true);
    expect(first >= min && first <= max && step > 0 && step <= max - min).toBe(true);
    expect(about.length).toBeLessThanOrEqual(256);
  });

  it('begin without contradiction, and a ring that owns its auditors always pays more than it gets', () => {
    expect(contradiction(initial)).toBeNull();
    const of = (values: Partial<Record<ParameterName, number>>) =>
      contradiction((name) => values[name] ?? initial(name));
    expect(of({ 'split-host': 750 })).toContain('less than the payment');
    expect(of({ 'split-host': 749 })).toBeNull();
    expect(of({ 'demand-floor': 1_000, 'demand-ceiling': 1_000 })).toBeNull();
    expect(of({ 'demand-floor': 1_001, 'demand-ceiling': 1_000 })).toContain('demand');
  });

  it('never leave their bounds, whatever is proposed', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PARAMETER_NAMES), fc.maxSafeNat(), fc.maxSafeNat(), (name, value, seed) => {
        const { min, max, step } = PARAMETERS[name];
        const now = min + (seed % (max - min + 1));
        const why = objection({ name, value }, { value: now, changedMs: null, ms: 0, of: initial });
        if (why !== null) return;
        expect(value >= min && value <= max && Math.abs(value - now) <= step).toBe(true);
      }),
    );
  });
});

const choice = fc.constantFrom<Choice>('yes', 'no', 'abstain');
const weight = fc.integer({ min: 1, max: 1_000_000_000 });

describe('a tally', () => {
  it('is the same for everyone who counts the last ballot of each key, in any order', () => {
    const ballots = fc.array(fc.tuple(fc.nat({ max: 6 }), choice), { maxLength: 30 });
    fc.assert(
      fc.property(ballots, fc.array(weight, { minLength: 7, maxLength: 7 }), (all, weights) => {
        const last = new Map<number, Ballot>();
        let tally = NO_BALLOTS;
        for (const [key, chosen] of all) {
          tally = counted(tally, chosen, weights[key]!, last.get(key) ?? null);
          last.set(key, [chosen, weights[key]!]);
        }
        const sums = { yes: 0, no: 0, abstain: 0 };
        for (const [chosen, weighs] of [...last.values()].reverse()) sums[chosen] += weighs;
        expect(tally).toEqual(sums);
      }),
    );
  });

  it('passes with 60 % of yes and no, where enough took part', () => {
    expect(passed({ yes: 60, no: 40, abstain: 0 }, 100)).toBe(true);
    expect(passed({ yes: 59, no: 41, abstain: 0 }, 100)).toBe(false);
    expect(passed({ yes: 60, no: 39, abstain: 0 }, 100)).toBe(false);
    expect(passed({ yes: 60, no: 0, abstain: 40 }, 100)).toBe(true);
    expect(passed({ yes: 0, no: 0, abstain: 100 }, 100)).toBe(false);
    expect([quorumOf(0), quorumOf(1_000), quorumOf(1_001)]).toEqual([1, 200, 201]);
  });

  it('is won by more yes, never by more no', () => {
    fc.assert(
      fc.property(weight, weight, weight, weight, weight, (yes, no, abstain, more, quorum) => {
        const before = passed({ yes, no, abstain }, quorum);
        if (before) expect(passed({ yes: yes + more, no, abstain }, quorum)).toBe(true);
        if (!before && yes + no + abstain >= quorum)
          expect(passed({ yes, no: no + more, abstain }, quorum)).toBe(false);
      }),
    );
  });
});

const many = (count: number): Counterparty[] =>
  Array.from({ length: count }, (_, i) => [String(i) as PeerId, 10, 20] as const);

describe('a weight', () => {
  it('is nothing without enough others who paid', () => {
    expect(weightOf([[50, 5_000]], many(COUNTERPARTIES - 1), 60)).toBe(0);
    expect(weightOf([[50, 5_000]], many(COUNTERPARTIES), 60, 'linear')).toBe(5);
    expect(weightOf([[50, 5_000]], many(COUNTERPARTIES), 10)).toBe(0);
  });

  it('is not gained by spreading over several keys what one earned: linear; by square roots it is', () => {
    const parts = fc.array(fc.integer({ min: 0, max: 1_000_000_000 }), { minLength: 2, maxLength: 20 });
    const of = (amount: number, curve: 'sqrt' | 'linear') => weightOf([[50, amount]], many(COUNTERPARTIES), 60, curve);
    fc.assert(
      fc.property(parts, (all) => {
        const whole = all.reduce((sum, part) => sum + part, 0);
        const split = all.reduce((sum, part) => sum + of(part, 'linear'), 0);
        expect(split).toBeLessThanOrEqual(of(whole, 'linear'));
      }),
    );
    expect(10 * of(1_000_000, 'sqrt')).toBeGreaterThan(3 * of(10_000_000, 'sqrt'));
  });

  it('is at most 3 % of all', () => {
    expect(capOf(100_000)).toBe(3_000);
    expect(capOf(33)).toBe(0);
  });

  it('has whole roots', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (n) => {
        const found = BigInt(root(n));
        expect(found * found <= BigInt(n) && (found + 1n) * (found + 1n) > BigInt(n)).toBe(true);
      }),
    );
  });
});
