/** How strings with patterns and numbers with bounds are spelt, as automata, and what those of one schema may cost. */
import { BoundedMap } from '../../base/bounded-map.ts';
import { automatonOf, MAX_EXPRESSIONS, type Automaton, type Built } from './automaton.ts';
import { EVERY_CHARACTER, type Expressions } from './expressions.ts';
import { FORMATS } from './formats.ts';
import { numbers, wholeNumbers, type NumberRange } from './number-range.ts';
import { readPattern } from './pattern-reader.ts';

export interface TextRule {
  minLength: number;
  /** Null: there is no end to it. */
  maxLength: number | null;
  pattern?: string;
  /** One of `FORMATS`. */
  format?: string;
}

export interface NumberRule extends NumberRange {
  type: 'integer' | 'number';
}

/** Of one schema, all together. The same schema costs the same everywhere, no matter who has read it before. */
const MAX_COST = 2 * MAX_EXPRESSIONS;
const MAX_STATES_IN_ALL = 2_048;
/** The same few are asked for again and again. */
const known = new BoundedMap<string, Built>(512);

export class Spellings {
  #cost = 0;
  #states = 0;

  /** Null: no text is spelt like that, it cannot be told by an automaton, or there were too many before. */
  ofText(rule: TextRule): Automaton | null {
    return this.#built(JSON.stringify(rule), (make) => textsOf(rule, make));
  }

  /** Whether there are such texts, as far as can be told. They do not count yet, other than the time. */
  has(rule: TextRule): boolean {
    const states = this.#states;
    const automaton = this.ofText(rule);
    this.#states = states;
    return automaton !== null;
  }

  ofNumber(rule: NumberRule): Automaton | null {
    return this.#built(JSON.stringify(rule), (make) =>
      rule.type === 'integer' ? wholeNumbers(rule, make) : numbers(rule, make),
    );
  }

  /** With what these have cost. */
  copy(): Spellings {
    const copy = new Spellings();
    copy.#cost = this.#cost;
    copy.#states = this.#states;
    return copy;
  }

  #built(key: string, make: Parameters<typeof automatonOf>[0]): Automaton | null {
    if (this.#cost >= MAX_COST) return null;
    const built = known.get(key) ?? automatonOf(make);
    known.set(key, built);
    this.#cost += built.cost;
    const states = built.automaton?.length ?? 0;
    if (this.#states + states > MAX_STATES_IN_ALL) return null;
    this.#states += states;
    return built.automaton;
  }
}

function textsOf({ minLength, maxLength, pattern, format }: TextRule, make: Expressions) {
  const parts = [make.repeat(make.set(EVERY_CHARACTER), minLength, maxLength)];
  for (const one of [pattern, format === undefined ? undefined : FORMATS.get(format)]) {
    if (one === undefined) continue;
    const texts = readPattern(one, make);
    if (texts === null) return null;
    parts.push(texts);
  }
  return make.both(...parts);
}
