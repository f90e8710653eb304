/** Tells where a text that may be either of two shapes decides between them, and what is read side by side until then. */
import { MeshError } from '../base/errors.ts';
import { isContainer, resolved, type Container, type JsonShape } from './json-shape.ts';

export type Pair = readonly [JsonShape, JsonShape];
type Entries = [string, JsonShape][];

/** The most steps for one schema, which take some 20 ms. */
const MAX_STEPS = 200_000;
/** How deep two shapes are compared; differences further down do not count. */
const MAX_LEVELS = 4;

export class ShapePairs {
  readonly #named: ReadonlyMap<string, JsonShape>;
  readonly #alternatives = new Map<JsonShape, readonly JsonShape[]>();
  readonly #keys = new Map<JsonShape, string>();
  readonly #together = new Map<JsonShape, Map<JsonShape, readonly Pair[]>>();
  #steps = 0;

  /** Takes a schema that `plain-choices.ts` has simplified. */
  constructor(named: ReadonlyMap<string, JsonShape>) {
    this.#named = named;
  }

  /** The shapes that it may be, without names and choices. */
  alternatives(shape: JsonShape): readonly JsonShape[] {
    const target = resolved(shape, this.#named);
    let found = this.#alternatives.get(target);
    if (found === undefined) {
      found = target.kind === 'choice' ? target.shapes.map((one) => resolved(one, this.#named)) : [target];
      this.#alternatives.set(target, found);
    }
    return found;
  }

  /**
   * The values in `one` and `other`, two shapes of one choice, that can be read side by side. Throws bad_schema when there is
   * too much to compare.
   */
  together(one: Container, other: Container): readonly Pair[] {
    const known = this.#together.get(one) ?? new Map<JsonShape, readonly Pair[]>();
    this.#together.set(one, known);
    let pairs = known.get(other);
    if (pairs === undefined) {
      pairs = this.#read(one, other, this.#shared(one, other), MAX_LEVELS).pairs;
      known.set(other, pairs);
    }
    return pairs;
  }

  /** Whether both begin with a brace, or with a bracket. */
  alike(one: JsonShape, other: JsonShape): boolean {
    this.#spend();
    const begins = beginningsOf(one);
    return beginningsOf(other).some((begin) => begins.includes(begin));
  }

  #spend(): void {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) {
      throw new MeshError('bad_schema', 'The JSON schema has too many shapes that look alike. Make it simpler.');
    }
  }

  /** How many pairs both must have at their beginning: `json-grammar.ts` writes these once. */
  #shared(one: Container, other: Container): number {
    if (one.kind !== 'object' || other.kind !== 'object') return 0;
    const at = one.required.findIndex(([key, value], i) => {
      const [itsKey, itsValue] = other.required[i] ?? [];
      return key !== itsKey || itsValue === undefined || this.#keyOf(value) !== this.#keyOf(itsValue);
    });
    return at === -1 ? one.required.length : at;
  }

  #keyOf(shape: JsonShape): string {
    const key = this.#keys.get(shape) ?? JSON.stringify(shape);
    this.#keys.set(shape, key);
    return key;
  }

  /** `both`: one text may be both from beginning to end. This is also assumed where nobody looked closely. */
  #read(one: Container, other: Container, from: number, levels: number): { pairs: Pair[]; both: boolean } {
    if (one.kind === 'list' || other.kind === 'list') {
      if (one.kind !== 'list' || other.kind !== 'list') return { pairs: [], both: false };
      const pair: Pair = [one.items, other.items];
      const empty = one.minItems === 0 && other.minItems === 0;
      return { pairs: [pair], both: empty || this.#mayBoth(...pair, levels) };
    }
    if (one.kind === 'map')
      return other.kind === 'map' ? bothMaps(one, other) : this.#mapAnd(one.values, other, levels);
    if (other.kind === 'map') return this.#mapAnd(other.values, one, levels);
    return this.#objects(one, other, from, levels);
  }

  #mapAnd(values: JsonShape, object: Container, levels: number): { pairs: Pair[]; both: boolean } {
    const { required, optional } = object.kind === 'object' ? object : { required: [], optional: [] };
    const pairs: Pair[] = [];
    for (const [, value] of required) {
      pairs.push([values, value]);
      if (!this.#mayBoth(values, value, levels)) return { pairs, both: false };
    }
    return { pairs: [...pairs, ...optional.map(([, value]): Pair => [values, value])], both: true };
  }

  /** Walks through both key by key, as a text would. */
  #objects(one: Container, other: Container, from: number, levels: number): { pairs: Pair[]; both: boolean } {
    const [mine, myMust] = entriesOf(one);
    const [its, itsMust] = entriesOf(other);
    const itsIndex = new Map(its.map(([key], i) => [key, i]));
    const pairs: Pair[] = [];
    let both = false;
    const seen = new Set<number>();
    const todo: [number, number][] = [[from, from]];
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      const [i, j] = at;
      // A key is at one place in each, so the place in one tells the place in the other.
      if (seen.has(i)) continue;
      seen.add(i);
      if (i >= myMust && j >= itsMust) both = true;
      for (let mineAt = i; mineAt < (i < myMust ? i + 1 : mine.length); mineAt += 1) {
        this.#spend();
        const [key, value] = mine[mineAt]!;
        const itsAt = itsIndex.get(key) ?? -1;
        if (itsAt < j || (j < itsMust && itsAt !== j)) continue;
        const pair: Pair = [value, its[itsAt]![1]];
        pairs.push(pair);
        if (this.#mayBoth(...pair, levels)) todo.push([mineAt + 1, itsAt + 1]);
      }
    }
    return { pairs, both };
  }

  #mayBoth(one: JsonShape, other: JsonShape, levels: number): boolean {
    return this.alternatives(one).some((mine) =>
      this.alternatives(other).some((its) => this.#plainMayBoth(mine, its, levels)),
    );
  }

  #plainMayBoth(one: JsonShape, other: JsonShape, levels: number): boolean {
    if (!this.alike(one, other)) return false;
    if (one.kind === 'values' && other.kind === 'values')
      return one.values.some((value) => other.values.includes(value));
    if (!isContainer(one) || !isContainer(other) || levels === 0) return true;
    return this.#read(one, other, 0, levels - 1).both;
  }
}

function bothMaps(one: Extract<Container, { kind: 'map' }>, other: Extract<Container, { kind: 'map' }>) {
  return { pairs: [[one.values, other.values] as const], both: true };
}

function entriesOf(shape: Container): [entries: Entries, required: number] {
  if (shape.kind !== 'object') return [[], 0];
  return [[...shape.required, ...shape.optional], shape.required.length];
}

/** The characters that such a value may begin with, one for each kind of value. */
function beginningsOf(shape: JsonShape): readonly string[] {
  switch (shape.kind) {
    case 'any':
      return ['"', '0', 't', 'f', 'n', '{', '['];
    case 'string':
      return ['"'];
    case 'number':
    case 'integer':
      return ['0'];
    case 'spelt':
      return [shape.isQuoted ? '"' : '0'];
    case 'boolean':
      return ['t', 'f'];
    case 'null':
      return ['n'];
    case 'values':
      return [...new Set(shape.values.map((value) => (/^[-\d]/.test(value) ? '0' : value.charAt(0))))];
    case 'list':
      return ['['];
    case 'object':
    case 'map':
      return ['{'];
    case 'choice':
    case 'named':
      return [];
    default:
      return shape satisfies never;
  }
}
