/**
 * A regular expression as states, each with one way for a character: whatever the expression, engines follow it in one way.
 * Plain data, as it is a part of shapes (`json-shape.ts`).
 */
import { Expressions, type Expression, type Range } from './expressions.ts';

export interface State {
  /** Whether the text may end here. */
  ends: boolean;
  /** Where characters lead to, by the number of the state; those that are not named lead nowhere. */
  moves: readonly { ranges: readonly Range[]; to: number }[];
}

/** Reading begins at the first state; every state leads to an end. */
export type Automaton = readonly State[];

/** The most states of one automaton, and kinds of characters at one state. */
export const MAX_STATES = 384;
const MAX_TURNS = 256;
/** The most expressions on the way there, which take at most 100 ms. */
export const MAX_EXPRESSIONS = 4_096;

/** An automaton, and how many expressions it took. Null: no text matches, or that would take too much. */
export interface Built {
  automaton: Automaton | null;
  cost: number;
}

export function automatonOf(make: (expressions: Expressions) => Expression | null): Built {
  const expressions = new Expressions(MAX_EXPRESSIONS);
  const build = () => {
    const expression = make(expressions);
    return expression === null ? null : alive(explored(expressions, expression));
  };
  try {
    return { automaton: build(), cost: expressions.count };
  } catch (thrown) {
    if (thrown instanceof RangeError) return { automaton: null, cost: MAX_EXPRESSIONS };
    throw thrown;
  }
}

function explored(expressions: Expressions, begin: Expression): Automaton {
  const states: State[] = [];
  const numbers = new Map([[begin, 0]]);
  // The map grows while it is walked through.
  for (const expression of numbers.keys()) {
    const turns = [...expressions.turns(expression)].toSorted((a, b) => a - b);
    if (turns.length > MAX_TURNS) throw new RangeError('There are too many kinds of characters.');
    const ranges = new Map<number, Range[]>();
    // Before the first turn and behind the last, only "all but" matches: surrogates are no characters.
    for (const [from, to] of stretches(turns)) {
      const next = expressions.behind(expression, from);
      if (next === expressions.never) continue;
      const number = numbers.get(next) ?? numbers.size;
      numbers.set(next, number);
      if (numbers.size > MAX_STATES) throw new RangeError('There are too many states.');
      ranges.set(number, [...(ranges.get(number) ?? []), [from, to]]);
    }
    states.push({ ends: expression.empty, moves: [...ranges].map(([to, of]) => ({ ranges: of, to })) });
  }
  return states;
}

/** All characters, cut at the turns. */
function stretches(turns: readonly number[]): Range[] {
  const cuts = [...new Set([0, ...turns, 0xd800, 0xe000, 0x110000])].toSorted((a, b) => a - b);
  return cuts
    .slice(0, -1)
    .map((from, i): Range => [from, cuts[i + 1]! - 1])
    .filter(([from, to]) => from !== 0xd800 && to < 0x110000);
}

/** Without the states from which no text ends; null: none is left. */
function alive(states: Automaton): Automaton | null {
  const lively = new Set([...states.keys()].filter((number) => states[number]!.ends));
  let before = -1;
  while (before < lively.size) {
    before = lively.size;
    for (const [number, { moves }] of states.entries()) {
      if (moves.some(({ to }) => lively.has(to))) lively.add(number);
    }
  }
  if (!lively.has(0)) return null;
  const kept = [...lively].toSorted((a, b) => a - b);
  const renamed = new Map(kept.map((number, i) => [number, i]));
  return kept.map((number) => ({
    ends: states[number]!.ends,
    moves: states[number]!.moves.flatMap(({ ranges, to }) => {
      const target = renamed.get(to);
      return target === undefined ? [] : [{ ranges, to: target }];
    }),
  }));
}

/** Whether the text matches from beginning to end. */
export function matches(automaton: Automaton, text: string): boolean {
  let at = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const move = automaton[at]?.moves.find(({ ranges }) => ranges.some(([from, to]) => from <= code && code <= to));
    if (move === undefined) return false;
    at = move.to;
  }
  return automaton[at]?.ends === true;
}
