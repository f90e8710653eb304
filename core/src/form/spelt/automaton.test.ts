import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { automatonOf, matches } from './automaton.ts';
import { FORMATS } from './formats.ts';
import { readPattern } from './pattern-reader.ts';
import { Spellings } from './spellings.ts';

const automaton = (pattern: string) => automatonOf((make) => readPattern(pattern, make)).automaton;

/** Patterns like those of generators and of people, with their anchors anywhere. */
const PATTERNS = [
  'a',
  '^a|b$|^c',
  '^(a|a)*b$',
  '(a*)*$',
  '^[a-c]{2,4}?$',
  '^(?<first>a)(?:b|c)+$',
  '^[^a-b]\\S*$',
  '^\\w+@\\w+\\.[a-z]{2,}$',
  '^(?!\\.)(?!.*\\.\\.)[a.]*$',
  '^a(?=b)\\w\\d?$',
  '^\\u0061\\x62\\u{63}$',
  '^[\\-a\\]]+$',
  '',
  '^$',
];

describe('a pattern as an automaton', () => {
  it.each(PATTERNS)('matches what a regular expression matches: %s', (pattern) => {
    const read = automaton(pattern);
    const expected = new RegExp(pattern, 'u');
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', '.', '@', '-', ']', '1', ' ', '\n', '😀'),
      maxLength: 8,
    });
    fc.assert(
      fc.property(text, (some) => {
        expect(read !== null && matches(read, some)).toBe(expected.test(some));
      }),
    );
  });

  it.each([
    '(a)\\1',
    '\\bword',
    '(?<=a)b',
    '(a|^b)',
    '(?:(?=a)a)b',
    '\\p{L}',
    'a{2',
    '[b-a]',
    'a**',
    '(',
    ')',
    '\\',
    'a{1001}',
    '[\\d-z]',
  ])('is not read where it is not regular, or no pattern: %s', (pattern) => expect(automaton(pattern)).toBeNull());

  it.each([['.*a.{12}$'], ['^((a{99}){99}){99}$'], [`^(${'a?'.repeat(400)}){99}$`], ['[^a]*a[^a]{300}a'.repeat(9)]])(
    'is given up soon where it takes too much: %s',
    (pattern) => {
      const begun = process.cpuUsage();
      expect(automaton(pattern)).toBeNull();
      const { user, system } = process.cpuUsage(begun);
      expect((user + system) / 1_000).toBeLessThan(1_000);
    },
  );

  it.each([
    ['date', ['2024-02-29', '1999-12-31'], ['2023-02-29', '2024-1-1', '2024-04-31', 'x2024-01-01']],
    ['time', ['10:00:00Z', '23:59:59.123+02:00'], ['10:00', '24:00:00Z']],
    ['date-time', ['2024-02-29T10:00:00Z'], ['2024-02-29 10:00:00', '2024-13-01T00:00:00Z']],
    ['duration', ['P1D', 'PT1H30M', 'P2W', 'P1Y2M3DT4H'], ['P', 'PT', '1D', 'P1H']],
    ['uuid', ['550e8400-e29b-41d4-a716-446655440000'], ['550e8400e29b41d4a716446655440000']],
    ['email', ['a.b+c@example.org'], ['a@b', '.a@example.org', 'a..b@example.org', 'a b@example.org']],
    ['hostname', ['localhost', 'a-b.example.org'], ['-a', 'a.', '']],
    ['ipv4', ['192.168.0.255'], ['256.1.1.1', '1.1.1', '01.1.1.1']],
    ['uri', ['https://example.org/a?b#c', 'urn:isbn:0'], ['example.org', 'https://a b']],
  ])('knows the format %s', (format, right, wrong) => {
    expect(FORMATS.has(format)).toBe(true);
    const read = new Spellings().ofText({ minLength: 0, maxLength: null, format });
    for (const text of right) expect([text, read !== null && matches(read, text)]).toEqual([text, true]);
    for (const text of wrong) expect([text, read !== null && matches(read, text)]).toEqual([text, false]);
  });

  it('holds to a length as well', () => {
    const read = new Spellings().ofText({ minLength: 2, maxLength: 3, pattern: '^a*$' });
    expect(['a', 'aa', 'aaa', 'aaaa'].map((text) => matches(read ?? [], text))).toEqual([false, true, true, false]);
  });
});

describe('a range of numbers as an automaton', () => {
  const bound = fc.option(fc.oneof(fc.integer({ min: -120, max: 120 }), fc.integer({ min: -1e15 + 1, max: 1e15 - 1 })));
  const isMet = (value: number, least: number | null, most: number | null) =>
    (least === null || value >= least) && (most === null || value <= most);

  it('has the whole numbers in it', () => {
    fc.assert(
      fc.property(bound, bound, fc.array(fc.integer({ min: -130, max: 130 })), (least, most, values) => {
        const read = new Spellings().ofNumber({ type: 'integer', least, most });
        const near = [least, most].flatMap((at) => (at === null ? [] : [at - 1, at, at + 1]));
        for (const value of [...values, ...near.filter((at) => Math.abs(at) < 1e15)]) {
          expect([value, read !== null && matches(read, `${value}`)]).toEqual([value, isMet(value, least, most)]);
        }
      }),
    );
  });

  it('has the fractions in it, and the bounds where they count', () => {
    const value = fc.tuple(fc.integer({ min: -12_500, max: 12_500 }), fc.constantFrom('', '0', '00'));
    fc.assert(
      fc.property(
        bound,
        bound,
        fc.boolean(),
        fc.boolean(),
        fc.array(value),
        (least, most, isAbove, isBelow, values) => {
          const read = new Spellings().ofNumber({ type: 'number', least, most, isAbove, isBelow });
          for (const [hundredths, zeros] of values) {
            const text = (hundredths / 100).toFixed(2) + zeros;
            const number = Number(text);
            const met = isMet(number, least, most) && !(isAbove && number === least) && !(isBelow && number === most);
            expect([text, read !== null && matches(read, text)]).toEqual([text, met]);
          }
        },
      ),
    );
  });
});
