/**
 * JSON Schema (draft 2020-12), as far as a grammar can enforce it: everything that is accepted here is enforced, and the rest
 * is refused by name rather than ignored. Schemas come from strangers, so everything in them is bounded.
 */
import { asMeshError, type MeshError } from '../base/errors.ts';
import { keyOfTooDeep } from '../base/json-depth.ts';
import { grammarText } from './grammar.ts';
import { jsonGrammar } from './json-grammar.ts';
import type { JsonSchema, JsonShape } from './json-shape.ts';
import { neverWhole, onlyItself } from './endless-names.ts';
import { plainChoices } from './plain-choices.ts';
import { countWays } from './schema-ways.ts';
import { isListOfNames, isObject, refused, type Node } from './schema-node.ts';
import { Spellings } from './spelt/spellings.ts';
import { numberShape, textShape } from './spelt-shapes.ts';
import { MAX_SCHEMA_CHARS } from '../wire/fields.ts';
export const MAX_NODES = 2_048;
const MAX_DEPTH = 24;
export const MAX_CHOICES = 128;
/** The most values of one `enum`. */
export const MAX_VALUES = 1_024;
/** The greatest bound on the length of one string or list, and on the sum of these, which a grammar spells out. */
export const MAX_REPEATS = 256;
export const MAX_REPEATS_IN_ALL = 4_096;
/** How deep the schema's own JSON may nest: three levels for each of the schema's, and the values that it names. */
const MAX_JSON_DEPTH = 128;
/** The longest grammar, which engines read as a whole: the longest possible schema in Chinese takes 320 KB. */
const MAX_GRAMMAR_CHARS = 524_288;

export type { JsonSchema, JsonShape };

/** Keywords that tell people something about a value, and parsers nothing. */
const ANNOTATIONS = new Set([
  ...['$schema', '$id', '$comment', '$defs', 'definitions', 'title', 'description', 'default', 'examples'],
  ...['deprecated', 'readOnly', 'writeOnly'],
]);
/** A map, not a plain object, since a type may be called "__proto__". */
const OF_TYPE: ReadonlyMap<string, readonly string[]> = new Map([
  ['string', ['minLength', 'maxLength', 'pattern', 'format']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']],
  ['integer', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']],
  ['boolean', []],
  ['null', []],
  ['array', ['items', 'minItems', 'maxItems']],
  ['object', ['properties', 'required', 'additionalProperties']],
]);

/** Throws bad_schema, which says where and what. */
export function readJsonSchema(text: string): JsonSchema {
  if (text.length > MAX_SCHEMA_CHARS) throw refused('the schema', 'is too long');
  if (keyOfTooDeep(text, MAX_JSON_DEPTH) !== null) throw refused('the schema', 'is nested too deeply');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refused('the schema', 'is not JSON');
  }
  return bounded(value);
}

/** Accepts only schemas that engines and readers of answers can afford. */
function bounded(value: unknown): JsonSchema {
  let fault: unknown = null;
  // Alternatives that cannot be told apart as they stand may be told apart once their constants come first.
  for (const constantsFirst of [false, true]) {
    const schema = plainChoices(new Reader(value, constantsFirst).read());
    if (grammarText(jsonGrammar(schema)).length > MAX_GRAMMAR_CHARS)
      throw refused('the schema', 'has too much in its choices');
    try {
      countWays(schema);
      return schema;
    } catch (thrown) {
      fault ??= thrown;
    }
  }
  throw fault;
}

class Reader {
  readonly #root: unknown;
  /** Whether required properties that have fixed values stand before the others. */
  readonly #constantsFirst: boolean;
  readonly #named = new Map<string, JsonShape>();
  readonly #sources = new Map<string, unknown>();
  readonly #spellings = new Spellings();
  #nodes = 0;
  #repeats = 0;

  constructor(root: unknown, constantsFirst: boolean) {
    this.#root = root;
    this.#constantsFirst = constantsFirst;
  }

  read(): JsonSchema {
    if (isObject(this.#root)) {
      this.#sources.set('#', this.#root);
      for (const section of ['$defs', 'definitions'] as const) {
        const definitions = this.#root[section];
        if (!isObject(definitions)) continue;
        for (const [name, schema] of Object.entries(definitions)) this.#sources.set(`#/${section}/${name}`, schema);
      }
    }
    const root = this.#shape(this.#root, '#', 0);
    const schema = { root, named: Object.fromEntries(this.#named) };
    const itself = onlyItself(this.#named);
    if (itself !== null) throw refused(itself, 'refers to itself and to nothing else');
    const infinite = neverWhole(this.#named);
    if (infinite !== null) throw refused(infinite, 'never ends: each of its values needs another one inside');
    return schema;
  }

  #shape(node: unknown, at: string, depth: number): JsonShape {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES || depth > MAX_DEPTH) throw refused(at, 'makes the schema too large');
    if (node === true) return { kind: 'any' };
    if (!isObject(node)) throw refused(at, 'is not a schema');
    const keywords = Object.keys(node).filter((key) => !ANNOTATIONS.has(key));
    const only = (...known: string[]) => {
      const unknown = keywords.find((key) => !known.includes(key));
      if (unknown !== undefined) throw refused(at, `uses "${unknown}", which cannot be enforced here`);
    };
    if (node.$ref !== undefined) {
      only('$ref');
      return this.#reference(node.$ref, at, depth);
    }
    if (node.const !== undefined) {
      only('const', 'type');
      return valuesOf([node.const], at);
    }
    if (node.enum !== undefined) {
      only('enum', 'type');
      return valuesOf(node.enum, at);
    }
    for (const keyword of ['anyOf', 'oneOf', 'allOf'] as const) {
      if (node[keyword] === undefined) continue;
      only(keyword);
      return this.#choice(node[keyword], keyword, `${at}/${keyword}`, depth);
    }
    const { type } = node;
    if (Array.isArray(type)) {
      if (!isListOfNames(type)) throw refused(`${at}/type`, 'is not a list of names');
      only('type', ...type.flatMap((one) => OF_TYPE.get(one) ?? []));
      return choiceOf(type.map((one) => this.#ofType(one, node, at, depth)));
    }
    if (type === undefined) {
      if (keywords.length === 0) return { kind: 'any' };
      if (node.properties === undefined) throw refused(at, 'has no "type"');
    }
    const known = typeof type === 'string' ? type : 'object';
    only('type', ...(OF_TYPE.get(known) ?? []));
    return this.#ofType(known, node, at, depth);
  }

  #ofType(type: string, node: Node, at: string, depth: number): JsonShape {
    switch (type) {
      case 'string': {
        const [minLength, maxLength] = this.#bounds(node, 'Length', at);
        return textShape({ minLength, maxLength }, node, at, this.#spellings);
      }
      case 'number':
      case 'integer':
        return numberShape(type, node, at, this.#spellings);
      case 'boolean':
      case 'null':
        return { kind: type };
      case 'array': {
        const [minItems, maxItems] = this.#bounds(node, 'Items', at);
        return { kind: 'list', items: this.#shape(node.items ?? true, `${at}/items`, depth + 1), minItems, maxItems };
      }
      case 'object':
        return this.#object(node, at, depth);
      default:
        throw refused(at, `has a "type" that JSON does not know`);
    }
  }

  #object(node: Node, at: string, depth: number): JsonShape {
    const { properties = {}, required = [], additionalProperties } = node;
    if (!isObject(properties)) throw refused(`${at}/properties`, 'is not an object');
    if (!isListOfNames(required)) throw refused(`${at}/required`, 'is not a list of names');
    const unknown = required.find((name) => !Object.hasOwn(properties, name));
    if (unknown !== undefined) throw refused(`${at}/required`, 'names a property that is not declared');
    const entries = Object.entries(properties);
    if (entries.length === 0) {
      if (additionalProperties === false) return { kind: 'object', required: [], optional: [] };
      const values = this.#shape(additionalProperties ?? true, `${at}/additionalProperties`, depth + 1);
      return { kind: 'map', values };
    }
    const shapes = entries.map(([name, schema]): [string, JsonShape] => [
      name,
      this.#shape(schema, `${at}/properties/${name}`, depth + 1),
    ]);
    const names = new Set(required);
    const must = shapes.filter(([name]) => names.has(name));
    if (this.#constantsFirst) must.sort(([, a], [, b]) => Number(b.kind === 'values') - Number(a.kind === 'values'));
    return { kind: 'object', required: must, optional: shapes.filter(([name]) => !names.has(name)) };
  }

  #choice(list: unknown, keyword: string, at: string, depth: number): JsonShape {
    if (!Array.isArray(list) || list.length === 0 || list.length > MAX_CHOICES)
      throw refused(at, 'is not a short list');
    if (keyword === 'allOf' && list.length > 1) throw refused(at, 'has several schemas, which cannot be enforced here');
    return choiceOf(list.map((one, i) => this.#shape(one, `${at}/${i}`, depth + 1)));
  }

  #reference(target: unknown, at: string, depth: number): JsonShape {
    if (typeof target !== 'string' || !this.#sources.has(target))
      throw refused(at, 'refers to something that is not there');
    if (!this.#named.has(target)) {
      // The name is set before its schema is read, as that may refer to itself.
      this.#named.set(target, { kind: 'any' });
      this.#named.set(target, this.#shape(this.#sources.get(target), target, depth + 1));
    }
    return { kind: 'named', name: target };
  }

  /** The bounds of a length. Engines count from minimum to maximum, and would never arrive at a maximum below the minimum. */
  #bounds(node: Node, what: 'Items' | 'Length', at: string): [least: number, most: number | null] {
    const least = this.#bound(node[`min${what}`], `${at}/min${what}`) ?? 0;
    const most = this.#bound(node[`max${what}`], `${at}/max${what}`);
    if (most !== null && least > most) throw refused(at, `can have no value: min${what} is above max${what}`);
    return [least, most];
  }

  #bound(value: unknown, at: string): number | null {
    if (value === undefined) return null;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_REPEATS) {
      throw refused(at, `is not a whole number up to ${MAX_REPEATS}`);
    }
    this.#repeats += value;
    if (this.#repeats > MAX_REPEATS_IN_ALL) throw refused(at, 'makes the schema too large');
    return value;
  }
}

function choiceOf(shapes: JsonShape[]): JsonShape {
  const [only] = shapes;
  return shapes.length === 1 && only !== undefined ? only : { kind: 'choice', shapes };
}

function valuesOf(list: unknown, at: string): JsonShape {
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_VALUES) throw refused(at, 'is not a short list');
  return { kind: 'values', values: list.map((value) => JSON.stringify(value)) };
}

/** Null: nothing; or why that cannot be. */
export function schemaOf(schema: string): JsonSchema | MeshError {
  try {
    return readJsonSchema(schema);
  } catch (thrown) {
    return asMeshError(thrown, 'bad_schema', 'This JSON schema cannot be read.');
  }
}
