/**
 * Reads a text as a grammar allows it, and tells what may follow: whether the text is whole, and the grammar of its rest, for
 * engines whose grammars begin where they begin to write. Understands what `json-grammar.ts` writes of llama.cpp's GBNF.
 */
import { MeshError } from '../base/errors.ts';

type Node =
  /** One character that `accepts` takes. */
  | { kind: 'one'; text: string; accepts: (codePoint: number) => boolean }
  | { kind: 'rule'; name: string }
  | { kind: 'choice'; ways: Row[] }
  | { kind: 'repeat'; row: Row; least: number; most: number | null };
type Row = readonly Node[];

/** What is to come: a row from its node `at` on, and what is behind it. Null: nothing. */
type Place = { row: Row; at: number; behind: Place } | null;

interface Head {
  accepts: (codePoint: number) => boolean;
  next: Place;
}

/** The characters that may come next, each with what comes behind it, and whether the text may end. */
interface Ahead {
  heads: Head[];
  mayEnd: boolean;
}

/** Of one text, at once: no schema that is accepted has as many (`schema-ways.ts`). */
const MAX_HEADS = 1_024;
/** Places looked at for one character, with those that lead on without one. */
const MAX_STEPS = 65_536;
const WHOLE = '""';

export class GrammarReader {
  readonly #lines: readonly string[];
  readonly #rules: ReadonlyMap<string, Row>;
  #places: readonly Place[];
  /** Where one way leads to, by its place: in the middle of a string that is the same one again. */
  readonly #known = new WeakMap<NonNullable<Place>, Ahead>();

  /** Starts from a grammar, or from where another reader is, ignoring what that one has read. */
  constructor(from: string | GrammarReader) {
    if (typeof from === 'string') {
      this.#lines = from.split('\n');
      this.#rules = new Map(this.#lines.map((line) => readRule(line)));
      this.#places = [{ row: this.#rule('root'), at: 0, behind: null }];
    } else {
      this.#lines = from.#lines;
      this.#rules = from.#rules;
      this.#places = from.#places;
    }
  }

  /**
   * Throws bad_schema when `text` cannot come next, and unsupported when there are too many ways to read it; nothing more is
   * to be read then.
   */
  read(text: string): void {
    for (const character of text) {
      const codePoint = character.codePointAt(0) ?? 0;
      this.#places = this.#ahead().heads.flatMap(({ accepts, next }) => (accepts(codePoint) ? [next] : []));
      if (this.#places.length === 0) {
        throw new MeshError('bad_schema', 'This answer so far does not follow its JSON schema. Ask again.');
      }
    }
  }

  /** What was read is whole. */
  get mayEnd(): boolean {
    return this.#ahead().mayEnd;
  }

  /** How many characters of the grammar may come next: engines have a stack for each. */
  get ways(): number {
    return this.#ahead().heads.length;
  }

  /** The grammar of what may come next. Rules keep their names, but for the root. */
  get rest(): string {
    // Nothing was read.
    const [first] = this.#places;
    if (first?.row === this.#rules.get('root') && first?.at === 0) return this.#lines.join('\n');
    const rules: string[] = [];
    const names = new Map<Place, string>([[null, '']]);
    // Each place once: texts may be nested deeply, and ways through one have all behind them in common.
    const nameOf = (place: Place): string => {
      const unnamed: NonNullable<Place>[] = [];
      for (let at = place; at !== null && !names.has(at); at = at.behind) unnamed.push(at);
      for (const one of unnamed.toReversed()) {
        const parts = [...one.row.slice(one.at).map(printed), names.get(one.behind) ?? ''];
        const name = `rest${this.#rules.size + rules.length}`;
        rules.push(`${name} ::= ${parts.filter((part) => part !== '').join(' ') || WHOLE}`);
        names.set(one, name);
      }
      return names.get(place) || WHOLE;
    };
    const ways = new Set(this.#places.map(nameOf));
    const others = this.#lines.filter((line) => !line.startsWith('root '));
    return [`root ::= ${[...ways].join(' | ')}`, ...rules, ...others].join('\n');
  }

  #ahead(): Ahead {
    const [place] = this.#places;
    if (this.#places.length > 1 || place == null) return this.#lookAhead();
    const ahead = this.#known.get(place) ?? this.#lookAhead();
    this.#known.set(place, ahead);
    return ahead;
  }

  /** Ways that come together are one from there on. */
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
      // What was read to its end leads to what is behind it.
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
        case 'one':
          heads.push({ accepts: node.accepts, next });
          break;
        case 'rule':
          push(this.#rule(node.name), 0, next);
          break;
        case 'choice':
          for (const way of node.ways.toReversed()) push(way, 0, next);
          break;
        case 'repeat': {
          const { least, most } = node;
          if (least === 0) todo.push(next);
          if (most === 0) break;
          const fewer: Row = [{ ...node, least: Math.max(0, least - 1), most: most === null ? null : most - 1 }];
          // The same again is the same place.
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

  #rule(name: string): Row {
    const rule = this.#rules.get(name);
    if (rule === undefined) throw new TypeError(`There is no rule ${name}.`);
    return rule;
  }
}

function printed(node: Node): string {
  switch (node.kind) {
    case 'one':
      return node.text;
    case 'rule':
      return node.name;
    case 'choice':
      return `(${node.ways.map((way) => way.map(printed).join(' ')).join(' | ')})`;
    case 'repeat':
      return node.most === 0 ? '' : `(${node.row.map(printed).join(' ')}){${node.least},${node.most ?? ''}}`;
    default:
      return node satisfies never;
  }
}

// ---- Reading ---------------------------------------------------------------------------------------------------------

/** Literals, sets, names, and what stands between and behind them. */
const TOKEN = /\s*("(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|[a-z][a-z0-9]*|[(|)?*+]|\{\d+(?:,\d*)?\})/y;
const CHARACTER = /\\U([0-9a-fA-F]{8})|\\x([0-9a-fA-F]{2})|\\(.)|([^])/uy;

function readRule(line: string): [name: string, Row] {
  const [name = '', body = ''] = line.split(' ::= ', 2);
  const tokens = new Tokens(line.slice(line.indexOf(' ::= ') + 5));
  if (body === '') throw new TypeError(`This is not a rule: ${line}`);
  return [name, tokens.choice()];
}

class Tokens {
  readonly #tokens: string[] = [];
  #at = 0;

  constructor(body: string) {
    TOKEN.lastIndex = 0;
    for (let at = 0; at < body.trimEnd().length; at = TOKEN.lastIndex) {
      const [, token] = TOKEN.exec(body) ?? [];
      if (token === undefined) throw new TypeError(`This is not grammar: ${body}`);
      this.#tokens.push(token);
    }
  }

  choice(): Row {
    const ways = [this.#row()];
    while (this.#tokens[this.#at] === '|') {
      this.#at += 1;
      ways.push(this.#row());
    }
    return ways.length === 1 ? ways[0]! : [{ kind: 'choice', ways }];
  }

  #row(): Row {
    const nodes: Node[] = [];
    for (
      let token = this.#tokens[this.#at];
      token !== undefined && !'|)'.includes(token);
      token = this.#tokens[this.#at]
    ) {
      this.#at += 1;
      for (const node of this.#repeated(this.#one(token))) nodes.push(node);
    }
    return nodes;
  }

  #one(token: string): Row {
    if (token === '(') {
      const row = this.choice();
      this.#at += 1;
      return row;
    }
    if (token.startsWith('"')) {
      return characters(token.slice(1, -1)).map(({ codePoint, text }): Node => {
        return { kind: 'one', text: `"${text}"`, accepts: (one) => one === codePoint };
      });
    }
    return [
      token.startsWith('[') ? { kind: 'one', text: token, accepts: readSet(token) } : { kind: 'rule', name: token },
    ];
  }

  #repeated(row: Row): Row {
    const token = this.#tokens[this.#at] ?? '';
    const bounds = /^\{(\d+)(,?)(\d*)\}$/.exec(token);
    const repeat = (least: number, most: number | null): Row => {
      this.#at += 1;
      return [{ kind: 'repeat', row, least, most }];
    };
    if (token === '?') return repeat(0, 1);
    if (token === '*') return repeat(0, null);
    if (token === '+') return repeat(1, null);
    if (bounds === null) return row;
    const [, least = '0', comma, most = ''] = bounds;
    return repeat(Number(least), comma === '' ? Number(least) : most === '' ? null : Number(most));
  }
}

/** `[^"\\\x00-\x1F]` */
function readSet(token: string): (codePoint: number) => boolean {
  const inverted = token.startsWith('[^');
  const inside = characters(token.slice(inverted ? 2 : 1, -1));
  const ranges: [from: number, to: number][] = [];
  for (let at = 0; at < inside.length; at += 1) {
    const from = inside[at]!.codePoint;
    const isRange = inside[at + 1]?.text === '-' && at + 2 < inside.length;
    ranges.push([from, isRange ? inside[at + 2]!.codePoint : from]);
    if (isRange) at += 2;
  }
  return (codePoint) => ranges.some(([from, to]) => codePoint >= from && codePoint <= to) !== inverted;
}

/** The characters of a literal or a set, each as it is spelt. */
function characters(body: string): { codePoint: number; text: string }[] {
  const read: { codePoint: number; text: string }[] = [];
  CHARACTER.lastIndex = 0;
  for (let at = 0; at < body.length; at = CHARACTER.lastIndex) {
    const [text = '', long, short, escaped, plain = ''] = CHARACTER.exec(body) ?? [];
    const code = long ?? short;
    const codePoint = code === undefined ? ((escaped ?? plain).codePointAt(0) ?? 0) : Number.parseInt(code, 16);
    read.push({ codePoint, text });
  }
  return read;
}
