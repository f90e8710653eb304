/**
 * Regular expressions as values, and what is left of one behind a character: its derivative.
 * https://doi.org/10.1017/S0956796808007090 (Owens, Reppy, Turon: Regular-expression derivatives re-examined)
 */

/** Code points from the first to the last, both included. */
export type Range = readonly [from: number, to: number];

/** The same expression is the same object, from one `Expressions`. */
export type Expression = { id: number; /** Whether it matches an empty text. */ empty: boolean } & (
  | { kind: 'set'; ranges: readonly Range[] }
  | { kind: 'row'; first: Expression; rest: Expression }
  | { kind: 'either' | 'both'; of: readonly Expression[] }
  | { kind: 'not'; one: Expression }
  /** `most` is null where there is no end to it. */
  | { kind: 'repeat'; one: Expression; least: number; most: number | null }
  | { kind: 'end' }
);
type Made = Expression extends infer E ? (E extends Expression ? Omit<E, 'id'> : never) : never;

const LAST = 0x10ffff;
export const EVERY_CHARACTER: readonly Range[] = [
  [0, 0xd7ff],
  [0xe000, LAST],
];

/** Makes expressions, and takes them apart. It is given up, with a `RangeError`, when that takes too much. */
export class Expressions {
  readonly #known = new Map<string, Expression>();
  readonly #behind = new Map<number, Map<number, Expression>>();
  readonly #most: number;
  #steps = 0;

  /** `most`: so many expressions, and steps sixteen times as many. */
  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#known.size;
  }

  /** Matches nothing at all. */
  get never(): Expression {
    return this.set([]);
  }

  /** Matches an empty text. */
  get end(): Expression {
    return this.#made('end', { kind: 'end', empty: true });
  }

  get anything(): Expression {
    return this.repeat(this.set(EVERY_CHARACTER), 0, null);
  }

  set(ranges: readonly Range[]): Expression {
    const tidy = united(ranges);
    return this.#made(`set ${tidy.join(' ')}`, { kind: 'set', ranges: tidy, empty: false });
  }

  text(characters: string): Expression {
    return this.row(...Array.from(characters, (one) => this.set([[one.codePointAt(0) ?? 0, one.codePointAt(0) ?? 0]])));
  }

  row(...parts: readonly Expression[]): Expression {
    return parts.reduceRight((rest, first) => this.#pair(first, rest), this.end);
  }

  either(...parts: readonly Expression[]): Expression {
    const flat = parts.flatMap((one) => (one.kind === 'either' ? one.of : [one]));
    if (flat.includes(this.anything)) return this.anything;
    const sets = flat.filter((one) => one.kind === 'set');
    const set = this.set(sets.flatMap(({ ranges }) => ranges));
    const others = flat.filter((one) => one.kind !== 'set');
    return this.#several('either', set === this.never ? others : [set, ...others], this.never);
  }

  both(...parts: readonly Expression[]): Expression {
    const flat = parts.flatMap((one) => (one.kind === 'both' ? one.of : [one]));
    if (flat.includes(this.never)) return this.never;
    return this.#several(
      'both',
      flat.filter((one) => one !== this.anything),
      this.anything,
    );
  }

  not(one: Expression): Expression {
    if (one.kind === 'not') return one.one;
    if (one === this.never) return this.anything;
    if (one === this.anything) return this.never;
    return this.#made(`not ${one.id}`, { kind: 'not', one, empty: !one.empty });
  }

  repeat(one: Expression, least: number, most: number | null): Expression {
    if (most === 0 || one.kind === 'end') return this.end;
    if (least === 1 && most === 1) return one;
    if (one === this.never) return least === 0 ? this.end : this.never;
    if (one.kind === 'repeat' && one.least === 0 && one.most === null) return one;
    const needed = one.empty ? 0 : least;
    const made: Made = { kind: 'repeat', one, least: needed, most, empty: needed === 0 };
    return this.#made(`repeat ${one.id} ${needed} ${most}`, made);
  }

  /** What is left of `of` behind this character. */
  behind(of: Expression, character: number): Expression {
    const known = this.#behind.get(of.id) ?? new Map<number, Expression>();
    this.#behind.set(of.id, known);
    const found = known.get(character) ?? this.#derived(of, character);
    known.set(character, found);
    return found;
  }

  /** The characters from which on it may go on differently than before them. */
  turns(of: Expression, into = new Set<number>()): ReadonlySet<number> {
    this.#spend(1);
    switch (of.kind) {
      case 'set':
        for (const [from, to] of of.ranges) into.add(from).add(to + 1);
        break;
      case 'row':
        this.turns(of.first, into);
        if (of.first.empty) this.turns(of.rest, into);
        break;
      case 'either':
      case 'both':
        for (const one of of.of) this.turns(one, into);
        break;
      case 'not':
      case 'repeat':
        this.turns(of.one, into);
        break;
      case 'end':
        break;
      default:
        of satisfies never;
    }
    return into;
  }

  #derived(of: Expression, character: number): Expression {
    this.#spend(1);
    switch (of.kind) {
      case 'set':
        return of.ranges.some(([from, to]) => from <= character && character <= to) ? this.end : this.never;
      case 'row': {
        const inside = this.#pair(this.behind(of.first, character), of.rest);
        return of.first.empty ? this.either(inside, this.behind(of.rest, character)) : inside;
      }
      case 'either':
        return this.either(...of.of.map((one) => this.behind(one, character)));
      case 'both':
        return this.both(...of.of.map((one) => this.behind(one, character)));
      case 'not':
        return this.not(this.behind(of.one, character));
      case 'repeat': {
        const { one, least, most } = of;
        const fewer = this.repeat(one, Math.max(0, least - 1), most === null ? null : most - 1);
        return this.#pair(this.behind(one, character), fewer);
      }
      case 'end':
        return this.never;
      default:
        return of satisfies never;
    }
  }

  #pair(first: Expression, rest: Expression): Expression {
    if (first === this.never || rest === this.never) return this.never;
    if (first.kind === 'end') return rest;
    if (rest.kind === 'end') return first;
    // Rows lean to the right, so that the same row is the same expression.
    this.#spend(1);
    if (first.kind === 'row') return this.#pair(first.first, this.#pair(first.rest, rest));
    return this.#made(`row ${first.id} ${rest.id}`, { kind: 'row', first, rest, empty: first.empty && rest.empty });
  }

  #several(kind: 'either' | 'both', parts: readonly Expression[], none: Expression): Expression {
    this.#spend(parts.length);
    const of = [...new Set(parts)].toSorted((a, b) => a.id - b.id);
    const [only] = of;
    if (only === undefined) return none;
    if (of.length === 1) return only;
    const empty = kind === 'either' ? of.some((one) => one.empty) : of.every((one) => one.empty);
    return this.#made(`${kind} ${of.map(({ id }) => id).join(' ')}`, { kind, of, empty });
  }

  #spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > 16 * this.#most) throw new RangeError('This takes too many steps.');
  }

  #made(key: string, made: Made): Expression {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= this.#most) throw new RangeError('There are too many expressions.');
    const expression = { ...made, id: this.#known.size };
    this.#known.set(key, expression);
    return expression;
  }
}

/** The same characters in order, none of them twice. */
function united(ranges: readonly Range[]): readonly Range[] {
  const tidy: [number, number][] = [];
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    const last = tidy.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else if (from <= to) tidy.push([from, to]);
  }
  return tidy;
}

/** All characters but these. */
export function others(ranges: readonly Range[]): Range[] {
  const left: Range[] = [];
  let from = 0;
  for (const [first, last] of united([...ranges, [0xd800, 0xdfff]])) {
    if (first > from) left.push([from, first - 1]);
    from = last + 1;
  }
  if (from <= LAST) left.push([from, LAST]);
  return left;
}
