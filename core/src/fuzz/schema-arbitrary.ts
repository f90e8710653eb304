/** For tests: JSON schemas of all keywords, many of them ambiguous, and texts that follow one. */
import fc from 'fast-check';
import type { Automaton } from '../form/spelt/automaton.ts';
import { childrenOf, resolved, type JsonSchema, type JsonShape } from '../form/json-shape.ts';

const NAMES = ['a', 'b', 'c', 'd'];
const KEYS = ['k', 'ka', 'kind', 'next'];

/** Schemas as text. They have few keys, values and names, so that their parts look alike. */
export const schemaText: fc.Arbitrary<string> = schemas().map((schema) => JSON.stringify(schema));

function schemas(): fc.Arbitrary<object> {
  const bound = fc.oneof(fc.nat(3), fc.nat(256));
  /** Bounds, now and then the wrong way round. */
  const bounds = (what: 'Items' | 'Length') =>
    fc.tuple(bound, bound, fc.integer({ min: 0, max: 9 })).map(([a, b, how]) => {
      const [least, most] = how === 0 ? [Math.max(a, b), Math.min(a, b)] : [Math.min(a, b), Math.max(a, b)];
      return { ...(how % 3 > 0 && { [`min${what}`]: least }), ...(how % 2 === 0 && { [`max${what}`]: most }) };
    });
  const value = fc.constantFrom<unknown>('x', 'xy', 'xyz', '', 1, 12, 1e21, true, null, [], {}, [[1]], {
    k: { k: 'x' },
  });
  const reference = fc.constantFrom('#', ...NAMES.map((name) => `#/$defs/${name}`)).map(($ref) => ({ $ref }));
  const { schema } = fc.letrec<{ schema: object }>((tie) => {
    const inner = tie('schema');
    const required = (properties: object, all: boolean, some: boolean[]) =>
      Object.keys(properties).filter((_, i) => all || some[i] === true);
    const object = fc
      .record({
        properties: fc.dictionary(fc.constantFrom(...KEYS), inner, { maxKeys: 4 }),
        all: fc.boolean(),
        some: fc.array(fc.boolean(), { maxLength: 4 }),
      })
      .map(({ properties, all, some }) => ({
        type: 'object',
        properties,
        required: required(properties, all, some),
        additionalProperties: false,
      }));
    const list = fc.tuple(inner, bounds('Items')).map(([items, some]) => ({ type: 'array', items, ...some }));
    const shapes = { minLength: 1, maxLength: 4 };
    const schema = fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<object>({ type: 'null' }, { type: 'number' }, { type: ['integer', 'string'] }, {}),
      bounds('Length').map((some) => ({ type: 'string', ...some })),
      fc.constantFrom('^x+$', '^[a-c]{2,4}$', 'k|y$', '^(?!x)\\S*$').map((pattern) => ({ type: 'string', pattern })),
      fc.constantFrom('date', 'uuid', 'email').map((format) => ({ type: 'string', format })),
      fc
        .tuple(fc.constantFrom('integer', 'number'), fc.integer({ min: -20, max: 200 }), fc.nat(99))
        .map(([type, minimum, more]) => ({ type, minimum, exclusiveMaximum: minimum + more })),
      value.map((one) => ({ const: one })),
      fc.array(value, { minLength: 1, maxLength: 9 }).map((all) => ({ enum: all })),
      reference,
      list,
      object,
      fc.record({ type: fc.constant('object'), additionalProperties: inner }),
      fc.array(inner, shapes).map((anyOf) => ({ anyOf })),
      fc.array(fc.oneof(reference, list, object), shapes).map((oneOf) => ({ oneOf })),
    );
    return { schema };
  });
  return fc
    .tuple(schema, fc.tuple(schema, schema, schema, schema))
    .map(([root, parts]) => ({ ...root, $defs: Object.fromEntries(NAMES.map((name, i) => [name, parts[i]])) }));
}

/** Lists of lists of lists that are long at least are longer than can be written. */
const MAX_VALUES = 20_000;

/** A whole text that follows `schema`; null: of too many values. `pick`: a whole number from 0 to below its argument. */
export function textOf({ root, named }: JsonSchema, pick: (below: number) => number): string | null {
  const names = new Map(Object.entries(named));
  const heights = heightsOf(root, names);
  const height = (shape: JsonShape) => heights.get(resolved(shape, names)) ?? 0;
  let values = 0;
  const write = (shape: JsonShape, fuel: number): string => {
    if (++values > MAX_VALUES) return '';
    const one = resolved(shape, names);
    const times = (least: number, most: number) => least + (fuel > 0 ? pick(Math.min(most - least, 3) + 1) : 0);
    switch (one.kind) {
      case 'any':
        return fuel > 0 ? ['{"k":[{}]}', '[[],["x"]]', '-1.5e3'][pick(3)]! : '"x"';
      case 'string':
        return JSON.stringify('x'.repeat(times(one.minLength, one.maxLength ?? 256)));
      case 'number':
        return ['0', '-12', '1.25', '3e-7'][pick(4)]!;
      case 'integer':
        return ['0', '-12', '1'][pick(3)]!;
      case 'boolean':
        return pick(2) === 0 ? 'true' : 'false';
      case 'null':
        return 'null';
      case 'spelt': {
        const spelt = spelling(one.spelling, pick, fuel);
        return one.isQuoted ? JSON.stringify(spelt) : spelt;
      }
      case 'values':
        return one.values[pick(one.values.length)]!;
      case 'choice': {
        const sorted = one.shapes.toSorted((a, b) => height(a) - height(b));
        return write(sorted[fuel > 0 ? pick(sorted.length) : 0]!, fuel - 1);
      }
      case 'list': {
        const count = times(one.minItems, one.maxItems ?? 256);
        return `[${Array.from({ length: count }, () => write(one.items, fuel - 2)).join(',')}]`;
      }
      case 'map': {
        const count = times(0, 3);
        return `{${Array.from({ length: count }, (_, i) => `"k${i}":${write(one.values, fuel - 2)}`).join(',')}}`;
      }
      case 'object': {
        const optional = one.optional.filter(() => fuel > 0 && pick(2) === 0);
        const pairs = [...one.required, ...optional].map(
          ([key, value]) => `${JSON.stringify(key)}:${write(value, fuel - 2)}`,
        );
        return `{${pairs.join(',')}}`;
      }
      case 'named':
        throw new TypeError('Names are resolved.');
      default:
        return one satisfies never;
    }
  };
  const text = write(root, 12);
  return values > MAX_VALUES ? null : text;
}

/** A text that the automaton spells: at first one way or another, then the shortest way to an end. */
function spelling(automaton: Automaton, pick: (below: number) => number, fuel: number): string {
  const left = distances(automaton);
  let written = '';
  let at = 0;
  for (let i = 0; ; i += 1) {
    const { ends, moves } = automaton[at]!;
    if (ends && (i >= fuel || pick(3) === 0)) return written;
    const nearest = moves.toSorted((a, b) => left[a.to]! - left[b.to]!);
    const move = nearest[i < fuel ? pick(nearest.length) : 0];
    // A longer way on from an end may not be there.
    if (move === undefined) return written;
    // Control characters are not written.
    const ranges = move.ranges.filter(([, last]) => last >= 0x20);
    const [from, to] = ranges[pick(ranges.length)]!;
    const code = Math.max(from, Math.min(to, 0x20 + pick(0x5e)));
    written += String.fromCodePoint(code);
    at = move.to;
  }
}

/** How many characters each state is from an end. */
function distances(automaton: Automaton): number[] {
  const left = automaton.map(({ ends }) => (ends ? 0 : Infinity));
  for (let changed = true; changed;) {
    changed = false;
    for (const [i, { moves }] of automaton.entries()) {
      const now = Math.min(left[i]!, ...moves.map(({ to }) => left[to]! + 1));
      changed ||= now < left[i]!;
      left[i] = now;
    }
  }
  return left;
}

/** The depth of the smallest value of each shape. */
function heightsOf(root: JsonShape, names: ReadonlyMap<string, JsonShape>): ReadonlyMap<JsonShape, number> {
  const shapes = new Set<JsonShape>();
  const note = (shape: JsonShape): void => {
    shapes.add(shape);
    for (const child of childrenOf(shape)) note(child);
  };
  for (const shape of [root, ...names.values()]) note(shape);
  const heights = new Map<JsonShape, number>();
  const height = (shape: JsonShape) => heights.get(resolved(shape, names)) ?? Infinity;
  const heightOf = (shape: JsonShape): number => {
    switch (shape.kind) {
      case 'choice':
        return 1 + Math.min(...shape.shapes.map(height));
      case 'list':
        return shape.minItems === 0 ? 0 : 1 + height(shape.items);
      case 'object':
        return 1 + Math.max(0, ...shape.required.map(([, value]) => height(value)));
      default:
        return 0;
    }
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const shape of shapes) {
      if (shape.kind === 'named') continue;
      const now = heightOf(shape);
      if (now < (heights.get(shape) ?? Infinity)) {
        heights.set(shape, now);
        changed = true;
      }
    }
  }
  return heights;
}
