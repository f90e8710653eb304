import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEVELS } from '../wire/audit-messages.ts';
import {
  appeal,
  CONFIRMING_AUDITORS,
  CONVICTED_LOG10,
  FLOOR_LOG10,
  levelOf,
  log10Of,
  moreAuditors,
  NEW_STANDING,
  record,
  type Judged,
  type StandingState,
} from './standing.ts';
import { ANSWER_CAP_LOG10, answerEvidence, type HonestNoise } from './wager.ts';

const auditors = (log10E: number, count: number, platform = false): Judged[] =>
  Array.from({ length: count }, () => ({ log10E, platform }));
const after = (answers: readonly (readonly Judged[])[], start = NEW_STANDING) => answers.reduce(record, start);
const times = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);

/** What an answer of 16 tokens with honest noise is worth, and how likely each is: of which each deviates independently. */
function honest(mean: number, high: number): [log10E: number, chance: number][] {
  const chance = Math.min(1, mean / (high / 255));
  let ways = 1;
  return Array.from({ length: 17 }, (_, n) => {
    if (n > 0) ways = (ways * (17 - n)) / n;
    const bytes = new Uint8Array(16).fill(high, 0, n);
    const noise: HonestNoise = { mode: 'seed', mean, telling: chance };
    return [answerEvidence(bytes, noise), ways * chance ** n * (1 - chance) ** (16 - n)];
  });
}

/** The chance that `reached` comes true within so many answers, each of which `laws` says. */
function chanceOf(
  reached: (state: StandingState) => boolean,
  laws: readonly (readonly [readonly Judged[], number])[],
  answers: number,
  state = NEW_STANDING,
): number {
  if (reached(state)) return 1;
  if (answers === 0) return 0;
  return laws.reduce((sum, [judged, chance]) => {
    return chance < 1e-15 ? sum : sum + chance * chanceOf(reached, laws, answers - 1, record(state, judged));
  }, 0);
}

describe('how a provider stands', () => {
  it('falls in steps: a cheat is quarantined, then convicted, and never by one answer or one auditor', () => {
    const caught = auditors(ANSWER_CAP_LOG10, CONFIRMING_AUDITORS);
    const levels = [0, 1, 2, 3].map((n) => levelOf(after(times(n, caught))));
    expect(levels).toEqual(['good', 'suspected', 'quarantined', 'convicted']);
    const named = auditors(ANSWER_CAP_LOG10, 2, true);
    expect(levelOf(after(times(3, named)))).toBe('convicted');
    expect(levelOf(after(times(1_000, auditors(ANSWER_CAP_LOG10, 1))))).toBe('quarantined');
    expect(log10Of(after(times(1_000, auditors(ANSWER_CAP_LOG10, 1))).wonByPairs)).toBe(0);
    // What one auditor finds in an answer's favour counts: else only answers in doubt would.
    expect(log10Of(after(times(9, auditors(-1, 1))).wonByPairs)).toBeLessThan(-1);
  });

  it('does not fall by what was not judged', () => {
    expect(after([[], []])).toEqual(NEW_STANDING);
  });

  it('rises again when answers agree, and no heap of good ones hides what comes later', () => {
    const [agree, caught] = [auditors(-0.5, 2), auditors(ANSWER_CAP_LOG10, CONFIRMING_AUDITORS)];
    const quarantined = after(times(2, caught));
    expect(levelOf(after(times(30, agree), quarantined))).toBe('good');
    const long = after(times(10_000, agree));
    expect(log10Of(long.won)).toBe(FLOOR_LOG10);
    expect(levelOf(after(times(4, caught), long))).toBe('convicted');
  });

  it('finds who is cheating only 30 % of the time', () => {
    const cycle = [auditors(ANSWER_CAP_LOG10, 5), ...times(2, auditors(-0.5, 2)), auditors(ANSWER_CAP_LOG10, 5)];
    const rest = times(6, auditors(-0.5, 2));
    expect(levelOf(after(times(4, [...cycle, ...rest]).flat()))).not.toBe('good');
    const three = [...cycle, auditors(ANSWER_CAP_LOG10, 5), ...rest.slice(1)];
    expect(levelOf(after(times(3, three).flat()))).toBe('convicted');
  });

  it('only ever gets worse by more evidence', () => {
    const log10 = fc.double({ min: -3, max: 3, noNaN: true });
    const judged = fc.array(fc.record({ log10E: log10, platform: fc.boolean() }), { maxLength: 5 });
    fc.assert(
      fc.property(fc.array(judged, { maxLength: 12 }), fc.nat(), log10, (answers, which, more) => {
        const worse = answers.map((answer, i) =>
          i === which % answers.length ? answer.map((one) => ({ ...one, log10E: Math.max(one.log10E, more) })) : answer,
        );
        const [a, b] = [after(answers), after(worse)];
        expect(log10Of(b.won)).toBeGreaterThanOrEqual(log10Of(a.won));
        expect(log10Of(b.wonByPairs)).toBeGreaterThanOrEqual(log10Of(a.wonByPairs));
        expect(LEVELS.indexOf(levelOf(b))).toBeGreaterThanOrEqual(LEVELS.indexOf(levelOf(a)));
      }),
    );
  });
});

describe('an honest provider', () => {
  it('is hardly ever suspected by accident, whenever one looks', () => {
    for (const [mean, high] of [
      [0.001, 255],
      [0.01, 20],
      [0.3, 255],
    ] as const) {
      const laws = honest(mean, high).map(([log10E, chance]) => [auditors(log10E, 1, true), chance] as const);
      // Ville: 1 in 20, and a hundredth for each answer, because the floor gives that much away.
      expect(chanceOf(({ won }) => log10Of(won) >= Math.log10(20), laws, 3)).toBeLessThan((1 + 3 * 0.01) / 20);
    }
  });

  it('is safe from the lying auditor: while one in four lies, on every answer, as much as it can', () => {
    const liar: Judged = { log10E: ANSWER_CAP_LOG10 };
    for (const k of [1, 2, 5]) {
      const laws = honest(0.01, 128).flatMap(([log10E, chance]) => {
        const truthful: Judged = { log10E };
        return Array.from({ length: k + 1 }, (_, liars) => {
          const judged = [...times(liars, liar), ...times(k - liars, truthful)];
          return [judged, chance * binomial(k, liars) * 0.25 ** liars * 0.75 ** (k - liars)] as const;
        });
      });
      const gain = laws.reduce(
        (sum, [judged, chance]) => sum + chance * 10 ** log10Of(record(NEW_STANDING, judged).won),
        0,
      );
      expect(gain).toBeLessThanOrEqual(1);
    }
  });

  it('is acquitted on appeal unless most of five find the same', () => {
    const convicted: StandingState = { won: [7, 7], wonByPairs: [CONVICTED_LOG10, 6], checked: 9, agreed: 0 };
    expect(levelOf(appeal(convicted, [...auditors(3, 3), ...auditors(-1, 2)]))).toBe('convicted');
    for (const judged of [[...auditors(3, 2), ...auditors(-1, 3)], auditors(3, 2), []]) {
      expect(appeal(convicted, judged)).toEqual(NEW_STANDING);
    }
  });
});

describe('how many auditors an answer gets', () => {
  it('is one, two where it is to be confirmed, and five where they find that it deviates', () => {
    expect(moreAuditors([], 0, false)).toBe(1);
    expect(moreAuditors(auditors(-1, 1), 0, false)).toBe(0);
    expect(moreAuditors(auditors(-1, 1), 0, true)).toBe(1);
    expect(moreAuditors(auditors(-1, 2), 0, true)).toBe(0);
    // The first accuses: a second is heard, and where both do, three more.
    const more = (against: number, forIt: number) =>
      moreAuditors([...auditors(3, against), ...auditors(-1, forIt)], 0, false);
    expect([more(1, 0), more(2, 0), more(5, 0)]).toEqual([1, 3, 0]);
    // One word against one: a third says which of them lies. It is over as soon as most find nothing.
    expect([more(1, 1), more(1, 2), more(2, 1), more(2, 2), more(3, 2)]).toEqual([1, 0, 2, 1, 0]);
  });

  it('grows where one cannot judge: an abstaining auditor is replaced, but not for ever', () => {
    expect(moreAuditors([], 1, false)).toBe(1);
    expect(moreAuditors(auditors(-1, 1), 1, true)).toBe(1);
    expect(moreAuditors([], 3, false)).toBe(0);
    expect(moreAuditors([], 4, true)).toBe(0);
  });
});

function binomial(n: number, k: number): number {
  return k === 0 ? 1 : (binomial(n - 1, k - 1) * n) / k;
}
