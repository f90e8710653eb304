/** The rules of a grammar for what an automaton spells, in JSON. */
import type { Automaton } from './spelt/automaton.ts';
import type { Range } from './spelt/expressions.ts';
import { rule, set, text, type GrammarNode, type Row } from './grammar.ts';
import type { JsonShape } from './json-shape.ts';

type Spelt = Extract<JsonShape, { kind: 'spelt' }>;

/** Characters of strings that JSON escapes, and how. The other ones below the space are not written. */
const ESCAPES: ReadonlyMap<number, string> = new Map([
  ...([
    [0x22, '\\"'],
    [0x5c, '\\\\'],
    [0x0a, '\\n'],
    [0x0d, '\\r'],
    [0x09, '\\t'],
    [0x08, '\\b'],
    [0x0c, '\\f'],
  ] as const),
]);
/** The characters that stand in JSON as they are, and do in all its other strings here. */
const PLAIN: readonly Range[] = [
  ...([
    [0x20, 0x21],
    [0x23, 0x5b],
    [0x5d, 0x7e],
    [0x80, 0xd7ff],
    [0xe000, 0x10ffff],
  ] as const),
];

/** A rule for each state, and one with the name `begin` for all of it. Each name begins with that. */
export function speltRules({ isQuoted, spelling }: Spelt, begin: string): Map<string, readonly Row[]> {
  const named = (state: number) => rule(`${begin}x${state}`);
  const rules = new Map<string, readonly Row[]>([[begin, [isQuoted ? [text('"'), named(0)] : [named(0)]]]]);
  for (const [number, { ends, moves }] of spelling.entries()) {
    const ways = moves.flatMap(({ ranges, to }) =>
      (isQuoted ? quoted(ranges) : [set(spelt(ranges))]).map((node): Row => [node, named(to)]),
    );
    rules.set(`${begin}x${number}`, [...ways, ...(ends ? [[text(isQuoted ? '"' : '')]] : [])]);
  }
  return rules;
}

/** In how many ways a text can be followed at any character, at most. */
export function waysOfSpelling(spelling: Automaton): number {
  return Math.max(
    ...spelling.map(({ ends, moves }) => moves.reduce((sum, { ranges }) => sum + quoted(ranges).length, ends ? 1 : 0)),
  );
}

function quoted(ranges: readonly Range[]): GrammarNode[] {
  const has = (code: number) => ranges.some(([from, to]) => from <= code && code <= to);
  const escapes = [...ESCAPES].flatMap(([code, escaped]) => (has(code) ? [text(escaped)] : []));
  const plain = shared(ranges, PLAIN);
  return plain.length === 0 ? escapes : [set(spelt(plain)), ...escapes];
}

function shared(some: readonly Range[], others: readonly Range[]): Range[] {
  return some.flatMap(([a, b]) =>
    others.map(([c, d]): Range => [Math.max(a, c), Math.min(b, d)]).filter(([from, to]) => from <= to),
  );
}

/** As GBNF and regular expressions both spell it. */
function spelt(ranges: readonly Range[]): string {
  return `[${ranges.map(([from, to]) => (from === to ? one(from) : `${one(from)}-${one(to)}`)).join('')}]`;
}

function one(code: number): string {
  const character = String.fromCodePoint(code);
  if (/[\dA-Za-z]/.test(character)) return character;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  // GBNF spells these with a capital U, which regular expressions do not know.
  return code > 0xffff ? character : `\\u${code.toString(16).padStart(4, '0')}`;
}
