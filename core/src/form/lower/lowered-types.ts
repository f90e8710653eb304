/** Lowers what schemas say about one type of value, where a value must follow all of them. */
import { FORMATS } from '../spelt/formats.ts';
import { MAX_VALUES } from '../json-schema.ts';
import { loweredNumber } from './lowered-number.ts';
import { LoweredObject } from './lowered-object.ts';
import type { SchemaBudget } from './schema-budget.ts';
import type { Gaps } from './schema-gaps.ts';
import { assertionsOf, TYPE_OF, TYPES, type Type } from './schema-keywords.ts';
import type { Lower, Part, RawPart } from './schema-part.ts';
import type { TextRule } from '../spelt/spellings.ts';

export class LoweredTypes {
  readonly #budget: SchemaBudget;
  readonly #gaps: Gaps;
  readonly #lower: Lower;

  constructor(budget: SchemaBudget, gaps: Gaps, lower: Lower) {
    this.#budget = budget;
    this.#gaps = gaps;
    this.#lower = lower;
  }

  /** `parts`: at least one, each with an assertion. Null: there is no value. */
  lowered(parts: readonly Part[], level: number): object | null {
    for (const { node, at } of parts) {
      for (const key of NEVER_ENFORCED) if (node[key] !== undefined) this.#gaps.add(at, key);
    }
    const values = valuesOf(parts);
    if (values !== null) return this.#values(values, parts);
    const types = typesOf(parts) ?? [...new Set(parts.flatMap(({ node }) => meantTypes(node)))];
    // Only conditions, or types that nobody knows.
    if (types.length === 0) return saidTypes(parts) ? null : {};
    const all = types.map((type) => this.#ofType(type, parts, level)).filter((one) => one !== null);
    const [only] = all;
    if (only === undefined) return null;
    return all.length === 1 ? only : { anyOf: all };
  }

  #ofType(type: Type, parts: readonly Part[], level: number): object | null {
    switch (type) {
      case 'string':
        return this.#text(parts);
      case 'number':
      case 'integer':
        return loweredNumber(type, parts, this.#gaps, this.#budget);
      case 'array':
        return this.#list(parts, level);
      case 'object':
        return new LoweredObject(parts, this.#gaps, this.#lower).lowered(level);
      case 'boolean':
      case 'null':
        return { type };
      default:
        return type satisfies never;
    }
  }

  /** Values that are told one by one. */
  #values(values: readonly unknown[], parts: readonly Part[]): object | null {
    const types = typesOf(parts);
    const left = values.filter((value) => types === null || types.some((type) => isOf(type, value)));
    if (left.length === 0) return null;
    for (const { node, at } of parts) {
      for (const key of assertionsOf(node)) if (TYPE_OF.has(key)) this.#gaps.add(at, key);
    }
    if (left.length <= MAX_VALUES) return { enum: left };
    for (const { node, at } of parts) if (node['enum'] !== undefined) this.#gaps.add(at, 'enum');
    const only = TYPES.find((type) => left.every((value) => isOf(type, value)));
    return only === undefined ? {} : { type: only };
  }

  #text(parts: readonly Part[]): object | null {
    const [minLength, maxLength] = this.#lengths('Length', parts);
    if (maxLength !== undefined && minLength > maxLength) return null;
    const patterns = parts.filter(({ node }) => typeof node['pattern'] === 'string');
    const formats = parts.filter(({ node }) => FORMATS.has(node['format'] as string));
    const lengths: TextRule = { minLength, maxLength: maxLength ?? null };
    let rule = lengths;
    for (const [keyword, some] of [
      ['pattern', patterns],
      ['format', formats],
    ] as const) {
      for (const { node, at } of some) {
        const more = { ...rule, [keyword]: String(node[keyword]) };
        const isFirst = rule[keyword] === undefined || rule[keyword] === more[keyword];
        if (isFirst && this.#budget.spellings.has(more)) rule = more;
        else this.#gaps.add(at, keyword);
      }
    }
    if (rule !== lengths) this.#budget.spellings.ofText(rule);
    const { pattern, format } = rule;
    return {
      type: 'string',
      ...(minLength > 0 && { minLength }),
      ...(maxLength !== undefined && { maxLength }),
      ...(pattern !== undefined && { pattern }),
      ...(format !== undefined && { format }),
    };
  }

  #list(parts: readonly Part[], level: number): object | null {
    const [minItems, most] = this.#lengths('Items', parts);
    let maxItems = most;
    const items: RawPart[] = [];
    for (const { node, at } of parts) {
      const old = Array.isArray(node['items']) ? node['items'] : undefined;
      const first: readonly unknown[] | undefined = Array.isArray(node['prefixItems']) ? node['prefixItems'] : old;
      const [rest, key] = old === undefined ? [node['items'], 'items'] : [node['additionalItems'], 'additionalItems'];
      if (first === undefined) {
        if (rest !== undefined) items.push({ node: rest, at: `${at}/${key}` });
        continue;
      }
      // Which of them stands where is looked at later.
      const keyword = old === undefined ? 'prefixItems' : 'items';
      this.#gaps.add(at, keyword);
      if (rest === false) maxItems = Math.min(maxItems ?? first.length, first.length);
      items.push({ node: { anyOf: [...first, ...(rest === false ? [] : [rest ?? true])] }, at: `${at}/${keyword}` });
    }
    if (maxItems !== undefined && minItems > maxItems) return null;
    const lowered = items.length === 0 ? {} : this.#lower(items, level + 1);
    const bounds = { ...(minItems > 0 && { minItems }), ...(maxItems !== undefined && { maxItems }) };
    if (lowered === null) return minItems > 0 ? null : { type: 'array', maxItems: 0 };
    return { type: 'array', items: lowered, ...bounds };
  }

  /** As far as a grammar can count. */
  #lengths(what: 'Items' | 'Length', parts: readonly Part[]): [least: number, most: number | undefined] {
    let least = 0;
    let most: number | undefined;
    for (const { node, at } of parts) {
      const [min, max] = [node[`min${what}`], node[`max${what}`]];
      if (isCount(min) && min > least) {
        if (this.#budget.repeat(min)) least = min;
        else this.#gaps.add(at, `min${what}`);
      }
      if (isCount(max) && max < (most ?? Infinity)) {
        if (this.#budget.repeat(max)) most = max;
        else this.#gaps.add(at, `max${what}`);
      }
    }
    return [least, most];
  }
}

/** Keywords that no grammar here enforces, whatever the type. */
const NEVER_ENFORCED = [
  ...[
    'not',
    'if',
    'uniqueItems',
    'contains',
    'unevaluatedItems',
    'patternProperties',
    'minProperties',
    'maxProperties',
  ],
  ...['dependencies', 'dependentRequired', 'dependentSchemas', 'unevaluatedProperties', 'multipleOf'],
];

/** The types that all parts allow; null: none of them says. */
export function typesOf(parts: readonly Part[]): Type[] | null {
  const said = parts
    .map(({ node }) => [node['type']].flat())
    .map((types) => TYPES.filter((one) => types.includes(one)));
  const all = said.filter((types) => types.length > 0);
  if (all.length === 0) return null;
  return all.reduce((left, types) => {
    const both = left.filter((one) => types.includes(one) || (one === 'integer' && types.includes('number')));
    return types.includes('integer') && left.includes('number') && !left.includes('integer')
      ? [...both, 'integer']
      : both;
  });
}

function saidTypes(parts: readonly Part[]): boolean {
  return typesOf(parts) !== null;
}

/** The types that a schema limits which names none: people write `properties` and mean an object. */
function meantTypes(node: object): Type[] {
  return assertionsOf(node).flatMap((key) => TYPE_OF.get(key) ?? []);
}

/** The values that all parts name which name any; null: none does. */
function valuesOf(parts: readonly Part[]): unknown[] | null {
  const lists = parts.flatMap(({ node }) => [
    ...(Array.isArray(node['enum']) ? [node['enum'] as unknown[]] : []),
    ...(node['const'] === undefined ? [] : [[node['const']]]),
  ]);
  if (lists.length === 0) return null;
  const [first, ...others] = lists.map((list) => new Map(list.map((value) => [JSON.stringify(value), value])));
  return [...(first ?? [])].filter(([key]) => others.every((other) => other.has(key))).map(([, value]) => value);
}

function isOf(type: Type, value: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value);
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
