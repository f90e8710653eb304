/**
 * Reads a text as a grammar allows it, and tells what may follow: whether the text is whole, and the grammar of its rest, for
 * engines whose grammars begin where they begin to write.
 */
import { MeshError } from '../base/errors.ts';
import { MAX_REST_CHARS, ShortestRest } from './shortest-rest.ts';
import { repeat, rule, text, type Grammar, type Row } from './grammar.ts';

/** What has to follow: a row from its node `at` on, and then `behind`. Null: nothing. */
type Place = { row: Row; at: number; behind: Place } | null;

/** Where a character leads to; undefined: it cannot come next. */
type Head = (character: string) => Place | undefined;

/** What may come next, and whether the text may end. */
interface Ahead {
  heads: Head[];
  mayEnd: boolean;
}

/** The ways to follow one text at once: no schema that is accepted has as many (`schema-ways.ts`). */
const MAX_HEADS = 1_024;
/** How many places are looked at for one character, including those that lead on without one. */
const MAX_STEPS = 65_536;
/** Reading begins here. */
const START: Row = [rule('root')];

export class GrammarReader {
  readonly #grammar: Grammar;
  #places: readonly Place[];
  /** The ways from a single place: in the middle of a string that is the same place again and again. */
  readonly #known: WeakMap<NonNullable<Place>, Ahead>;
  /** How many characters close each place. */
  readonly #closings: WeakMap<NonNullable<Place>, number>;
  #shortest: ShortestRest | null = null;

  /** Starts from a grammar, or from where another reader is, ignoring what that one has read. */
  constructor(from: Grammar | GrammarReader) {
    if (from instanceof GrammarReader) {
      this.#grammar = from.#grammar;
      this.#known = from.#known;
      this.#closings = from.#closings;
      this.#shortest = from.#shortest;
      this.#places = from.#places;
    } else {
      this.#grammar = from;
      this.#known = new WeakMap();
      this.#closings = new WeakMap();
      this.#places = [{ row: START, at: 0, behind: null }];
    }
  }

  /**
   * Throws bad_schema when `written` cannot come next, and unsupported when there are too many ways to read it; do not read
   * on after that.
   */
  read(written: string): void {
    for (const character of written) {
      this.#places = this.#ahead()
        .heads.map((head) => head(character))
        .filter((place) => place !== undefined);
      if (this.#places.length === 0) {
        throw new MeshError('bad_schema', 'This answer so far does not follow its JSON schema. Ask again.');
      }
    }
  }

  /** Whether the text that was read is complete. */
  get mayEnd(): boolean {
    return this.#ahead().mayEnd;
  }

  /** How many characters of the grammar may come next: engines have a stack for each. */
  get ways(): number {
    return this.#ahead().heads.length;
  }

  /**
   * The shortest text that completes what was read; null: there is none of up to `MAX_REST_CHARS` characters. Any text
   * that is complete is closed by "".
   */
  get closing(): string | null {
    let best: Place = null;
    let shortest = Infinity;
    for (const place of this.#places) {
      const length = this.#closingLength(place);
      if (length < shortest) [best, shortest] = [place, length];
    }
    if (shortest > MAX_REST_CHARS) return null;
    let closing = '';
    for (let at: Place = best; at !== null; at = at.behind) closing += this.#rest().textFrom(at.row, at.at);
    return closing;
  }

  /** Places share what is behind them, so each is measured once. */
  #closingLength(place: Place): number {
    const unmeasured: NonNullable<Place>[] = [];
    let at = place;
    for (; at !== null && !this.#closings.has(at); at = at.behind) unmeasured.push(at);
    let length = at === null ? 0 : (this.#closings.get(at) ?? 0);
    for (const one of unmeasured.toReversed()) {
      length += this.#rest().lengthFrom(one.row, one.at);
      this.#closings.set(one, length);
    }
    return length;
  }

  #rest(): ShortestRest {
    this.#shortest ??= new ShortestRest(this.#grammar);
    return this.#shortest;
  }

  /** The grammar of the rest. Rules keep their names, except for the root. */
  get rest(): Grammar {
    // Nothing was read.
    if (this.#places[0]?.row === START) return this.#grammar;
    const rules = new Map<string, readonly Row[]>();
    const rows = new Map<Place, Row>([[null, []]]);
    // Each place gets one rule: texts may be nested deeply, and all ways through one share what is behind them.
    const rowOf = (place: Place): Row => {
      const unnamed: NonNullable<Place>[] = [];
      for (let at = place; at !== null && !rows.has(at); at = at.behind) unnamed.push(at);
      for (const one of unnamed.toReversed()) {
        const name = `rest${this.#grammar.size + rules.size}`;
        rules.set(name, [orEmpty([...one.row.slice(one.at), ...(rows.get(one.behind) ?? [])])]);
        rows.set(one, [rule(name)]);
      }
      return rows.get(place) ?? [];
    };
    const root = [...new Set(this.#places)].map((place) => orEmpty(rowOf(place)));
    return new Map([...this.#grammar, ...rules, ['root', root]]);
  }

  #ahead(): Ahead {
    const [place] = this.#places;
    if (this.#places.length > 1 || place == null) return this.#lookAhead();
    const ahead = this.#known.get(place) ?? this.#lookAhead();
    this.#known.set(place, ahead);
    return ahead;
  }

  /** Ways that meet are one from there on. */
  #lookAhead(): Ahead {
    const heads: Head[] = [];
    const seen = new Map<Place, Map<Row, Set<number>>>();
    let mayEnd = false;
    let steps = 0;
    const todo = this.#places.toReversed();
    const push = (row: Row, at: number, behind: Place) => todo.push({ row, at, behind });
    for (let place = todo.pop(); place !== undefined; place = todo.pop()) {
      steps += 1;
      if (heads.length > MAX_HEADS || steps > MAX_STEPS) {
        throw new MeshError(
          'unsupported',
          'This JSON schema can be followed in too many ways at once. Make it simpler.',
        );
      }
      // A row that was read to its end leads to what is behind it.
      while (place !== null && place.at === place.row.length) place = place.behind;
      if (place === null) {
        mayEnd = true;
        continue;
      }
      const { row, at, behind } = place;
      const rows = seen.get(behind) ?? new Map<Row, Set<number>>();
      const ats = rows.get(row) ?? new Set<number>();
      if (ats.has(at)) continue;
      seen.set(behind, rows.set(row, ats.add(at)));
      const node = row[at]!;
      const next: Place = at + 1 === row.length ? behind : { row, at: at + 1, behind };
      switch (node.kind) {
        case 'text': {
          const rest = node.text;
          if (rest === '') todo.push(next);
          else heads.push((character) => (rest.startsWith(character) ? behindOne(rest, character, next) : undefined));
          break;
        }
        case 'set':
          heads.push((character) => (node.pattern.test(character) ? next : undefined));
          break;
        case 'rule':
          for (const way of this.#ways(node.name).toReversed()) push(way, 0, next);
          break;
        case 'choice':
          for (const way of node.ways.toReversed()) push(way, 0, next);
          break;
        case 'repeat': {
          const { least, most } = node;
          if (least === 0) todo.push(next);
          if (most === 0) break;
          const fewer: Row = [repeat(node.row, Math.max(0, least - 1), most === null ? null : most - 1)];
          // An unbounded repetition leads back to the same place.
          const again: Place = least === 0 && most === null ? place : { row: fewer, at: 0, behind: next };
          push(node.row, 0, again);
          break;
        }
        default:
          node satisfies never;
      }
    }
    return { heads, mayEnd };
  }

  #ways(name: string): readonly Row[] {
    const ways = this.#grammar.get(name);
    if (ways === undefined) throw new TypeError(`There is no rule ${name}.`);
    return ways;
  }
}

/** The place in the literal behind its next character, or behind the whole literal. */
function behindOne(literal: string, character: string, next: Place): Place {
  const more = literal.slice(character.length);
  return more === '' ? next : { row: [text(more)], at: 0, behind: next };
}

/** Engines expect a rule to have a body. */
function orEmpty(row: Row): Row {
  const written = row.filter((node) => node.kind !== 'repeat' || node.most !== 0);
  return written.length === 0 ? [text('')] : written;
}
