import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Grammar } from './grammar.ts';
import { GrammarReader } from './grammar-reader.ts';
import { jsonGrammar } from './json-grammar.ts';
import { readJsonSchema } from './json-schema.ts';

const grammarOf = (schema: object) => jsonGrammar(readJsonSchema(JSON.stringify(schema)));
const readerOf = (grammar: Grammar, text: string) => {
  const reader = new GrammarReader(grammar);
  reader.read(text);
  return reader;
};
const grammarRest = (grammar: Grammar, text: string) => readerOf(grammar, text).rest;
const isWhole = (grammar: Grammar, text: string) => readerOf(grammar, text).mayEnd;
const isBroken = (grammar: Grammar, text: string) => {
  try {
    readerOf(grammar, text);
    return false;
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'bad_schema' });
    return true;
  }
};

const FORM = {
  type: 'object',
  properties: {
    kind: { enum: ['a mesh', 'a "net" – é😀', 7] },
    words: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 6 }, minItems: 1, maxItems: 3 },
    sure: { type: 'boolean' },
    next: { anyOf: [{ type: 'null' }, { $ref: '#' }] },
    size: { type: 'number' },
    more: { type: 'object', additionalProperties: { type: 'integer' } },
  },
  required: ['kind', 'words', 'next'],
};
const VALUES = [
  { kind: 'a mesh', words: ['one', 'two\n"'], next: null },
  { kind: 'a "net" – é😀', words: ['é😀'], next: { kind: 7, words: ['x'], next: null }, sure: true, size: -1.5e3 },
  { kind: 7, words: ['a', 'b', 'c'], next: null, size: 12, more: { a: 1, 'b c': -20 } },
];

describe('the rest of a grammar', () => {
  it('takes the rest of a text, and nothing else, wherever the text is cut', () => {
    const grammar = grammarOf(FORM);
    for (const value of VALUES) {
      const characters = Array.from(JSON.stringify(value));
      for (let cut = 0; cut <= characters.length; cut += 1) {
        const rest = grammarRest(grammar, characters.slice(0, cut).join(''));
        expect(isWhole(rest, '')).toBe(cut === characters.length);
        expect(isWhole(rest, characters.slice(cut).join(''))).toBe(true);
        expect(isBroken(rest, `${characters.slice(cut).join('')}}`)).toBe(true);
      }
    }
  });

  it('counts what was repeated before the cut', () => {
    const rest = grammarRest(grammarOf({ type: 'string', minLength: 3, maxLength: 5 }), '"ab');
    expect(isBroken(rest, '"')).toBe(true);
    expect(isWhole(rest, 'c"')).toBe(true);
    expect(isWhole(rest, 'cde"')).toBe(true);
    expect(isBroken(rest, 'cdef')).toBe(true);
  });

  it('of a number that may end or continue takes both', () => {
    const rest = grammarRest(grammarOf({ type: 'number' }), '12');
    expect(isWhole(rest, '')).toBe(true);
    expect(isWhole(rest, '3.5')).toBe(true);
    expect(isBroken(rest, '.x')).toBe(true);
  });

  it('does not exist for a text that breaks it', () => {
    for (const text of ['x', '{"kind":8', '{"words"', '{"kind":7,"words":[]']) {
      expect(isBroken(grammarOf(FORM), text)).toBe(true);
    }
  });

  it('is read on from one place by several, each for itself', () => {
    const begun = readerOf(grammarOf({ type: 'array', items: { type: 'integer' } }), '[1,');
    const [one, other] = [new GrammarReader(begun), new GrammarReader(begun)];
    one.read('2]');
    other.read('34');
    expect([begun.mayEnd, one.mayEnd, other.mayEnd]).toEqual([false, true, false]);
    begun.read('5]');
    expect(begun.mayEnd).toBe(true);
  });

  it('is closed in the shortest way, wherever the text is cut', () => {
    const grammar = grammarOf(FORM);
    expect(readerOf(grammar, '').closing).toBe('{"kind":7,"words":["."],"next":null}');
    for (const value of VALUES) {
      const characters = Array.from(JSON.stringify(value));
      let left = Infinity;
      for (let cut = 0; cut <= characters.length; cut += 1) {
        const reader = readerOf(grammar, characters.slice(0, cut).join(''));
        const closing = reader.closing ?? 'none';
        reader.read(closing);
        expect(reader.mayEnd).toBe(true);
        // Nothing is longer than what the text itself goes on with.
        expect(closing.length).toBeLessThanOrEqual(characters.slice(cut).join('').length);
        left = Math.min(left, closing.length);
      }
      expect(left).toBe(0);
    }
  });

  it('is not closed where that takes too much', () => {
    const long = { type: 'string', minLength: 200 };
    const list = { type: 'array', items: { type: 'array', items: long, minItems: 100 }, minItems: 100 };
    expect(readerOf(grammarOf(list), '').closing).toBeNull();
    expect(readerOf(grammarOf(list), '[').closing).toBeNull();
  });

  it('takes any JSON', () => {
    const grammar = grammarOf({ type: 'array' });
    const values = fc.array(
      fc.oneof(fc.string(), fc.integer({ min: -1e9, max: 1e9 }), fc.boolean(), fc.constant(null)),
    );
    fc.assert(
      fc.property(values, fc.nat(), (value, at) => {
        const characters = Array.from(JSON.stringify([...value, value]).replaceAll('\x7f', '\\u007f'));
        const cut = at % (characters.length + 1);
        const rest = grammarRest(grammar, characters.slice(0, cut).join(''));
        expect(isWhole(rest, characters.slice(cut).join(''))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
