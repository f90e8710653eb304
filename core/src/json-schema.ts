/**
 * JSON Schema (draft 2020-12), as far as a grammar can hold a model to it: what is read here is always kept, and what cannot
 * be kept is refused by name rather than ignored. From strangers, so everything in it is bounded.
 */
import { MeshError } from './errors.ts';

/** As JSON text. */
export const MAX_SCHEMA_CHARS = 32_768;
const MAX_NODES = 512;
const MAX_DEPTH = 24;
const MAX_CHOICES = 128;
/** Of a string or a list whose length is bounded; and of all of them together, as a grammar spells these out. */
const MAX_REPEATS = 256;
const MAX_REPEATS_IN_ALL = 4_096;

export type JsonShape =
  | { kind: 'any' }
  | { kind: 'string'; minLength: number; maxLength: number | null }
  | { kind: 'number' | 'integer' | 'boolean' | 'null' }
  /** One of these values, as JSON text. */
  | { kind: 'values'; values: string[] }
  | { kind: 'choice'; shapes: JsonShape[] }
  | { kind: 'list'; items: JsonShape; minItems: number; maxItems: number | null }
  | { kind: 'object'; required: [string, JsonShape][]; optional: [string, JsonShape][] }
  /** An object with any keys. */
  | { kind: 'map'; values: JsonShape }
  | { kind: 'named'; name: string };

export interface JsonSchema {
  root: JsonShape;
  /** By their references, as "#/$defs/…". Plain data: engines live in workers. */
  named: Record<string, JsonShape>;
}

type Keyword = '$ref' | 'const' | 'enum' | 'anyOf' | 'oneOf' | 'allOf' | 'type' | '$defs' | 'definitions';
type TypeKeyword =
  | 'properties'
  | 'required'
  | 'additionalProperties'
  | 'items'
  | `${'min' | 'max'}${'Items' | 'Length' | 'imum'}`;
type Node = Partial<Record<Keyword | TypeKeyword, unknown>>;

/** Say something about the value to people, and nothing to a parser. */
const ANNOTATIONS = new Set([
  ...['$schema', '$id', '$comment', '$defs', 'definitions', 'title', 'description', 'default', 'examples'],
  ...['deprecated', 'readOnly', 'writeOnly'],
]);
const OF_TYPE: Readonly<Record<string, readonly string[]>> = {
  string: ['minLength', 'maxLength'],
  number: ['minimum', 'maximum'],
  integer: ['minimum', 'maximum'],
  boolean: [],
  null: [],
  array: ['items', 'minItems', 'maxItems'],
  object: ['properties', 'required', 'additionalProperties'],
};

/** Throws bad_schema, which says where and what. */
export function readJsonSchema(text: string): JsonSchema {
  if (text.length > MAX_SCHEMA_CHARS) throw refused('the schema', 'is too long');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refused('the schema', 'is not JSON');
  }
  return new Reader(value).read();
}

class Reader {
  readonly #root: unknown;
  readonly #named = new Map<string, JsonShape>();
  readonly #sources = new Map<string, unknown>();
  #nodes = 0;
  #repeats = 0;

  constructor(root: unknown) {
    this.#root = root;
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
    for (const name of this.#named.keys()) this.#refuseEndless(name);
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
      if (unknown !== undefined) throw refused(at, `uses "${unknown}", which cannot be held to here`);
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
      const types = type.map(String);
      only('type', ...types.flatMap((one) => OF_TYPE[one] ?? []));
      return choiceOf(types.map((one) => this.#ofType(one, node, at, depth)));
    }
    if (type === undefined) {
      if (keywords.length === 0) return { kind: 'any' };
      if (node.properties === undefined) throw refused(at, 'has no "type"');
    }
    const known = typeof type === 'string' ? type : 'object';
    only('type', ...(OF_TYPE[known] ?? []));
    return this.#ofType(known, node, at, depth);
  }

  #ofType(type: string, node: Node, at: string, depth: number): JsonShape {
    switch (type) {
      case 'string':
        return {
          kind: 'string',
          minLength: this.#bound(node.minLength, `${at}/minLength`) ?? 0,
          maxLength: this.#bound(node.maxLength, `${at}/maxLength`),
        };
      case 'number':
      case 'integer':
        // Generators of schemas write these for every whole number; ours have fewer digits.
        for (const keyword of ['minimum', 'maximum'] as const) {
          const limit = node[keyword];
          if (limit === undefined || Math.abs(Number(limit)) === Number.MAX_SAFE_INTEGER) continue;
          throw refused(at, `uses "${keyword}", which cannot be held to here`);
        }
        return { kind: type };
      case 'boolean':
      case 'null':
        return { kind: type };
      case 'array': {
        const minItems = this.#bound(node.minItems, `${at}/minItems`) ?? 0;
        const maxItems = this.#bound(node.maxItems, `${at}/maxItems`);
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
    if (!Array.isArray(required)) throw refused(`${at}/required`, 'is not a list');
    const unknown = required.find((name) => !Object.hasOwn(properties, String(name)));
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
    return {
      kind: 'object',
      required: shapes.filter(([name]) => required.includes(name)),
      optional: shapes.filter(([name]) => !required.includes(name)),
    };
  }

  #choice(list: unknown, keyword: string, at: string, depth: number): JsonShape {
    if (!Array.isArray(list) || list.length === 0 || list.length > MAX_CHOICES)
      throw refused(at, 'is not a short list');
    if (keyword === 'allOf' && list.length > 1) throw refused(at, 'has several schemas, which cannot be held to here');
    return choiceOf(list.map((one, i) => this.#shape(one, `${at}/${i}`, depth + 1)));
  }

  #reference(target: unknown, at: string, depth: number): JsonShape {
    if (typeof target !== 'string' || !this.#sources.has(target)) throw refused(at, 'refers to what is not there');
    if (!this.#named.has(target)) {
      // Before it is read, as it may refer to itself.
      this.#named.set(target, { kind: 'any' });
      this.#named.set(target, this.#shape(this.#sources.get(target), target, depth + 1));
    }
    return { kind: 'named', name: target };
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

  /** A name that is nothing but itself, however many others lie between. */
  #refuseEndless(name: string, seen: readonly string[] = []): void {
    if (seen.includes(name)) throw refused(name, 'refers to itself and to nothing else');
    const shape = this.#named.get(name);
    for (const next of beginsWith(shape)) this.#refuseEndless(next, [...seen, name]);
  }
}

/** The names that may stand at the very beginning of such a value. */
function beginsWith(shape: JsonShape | undefined): string[] {
  if (shape?.kind === 'named') return [shape.name];
  return shape?.kind === 'choice' ? shape.shapes.flatMap(beginsWith) : [];
}

function choiceOf(shapes: JsonShape[]): JsonShape {
  const [only] = shapes;
  return shapes.length === 1 && only !== undefined ? only : { kind: 'choice', shapes };
}

function valuesOf(list: unknown, at: string): JsonShape {
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_CHOICES) throw refused(at, 'is not a short list');
  return { kind: 'values', values: list.map((value) => JSON.stringify(value)) };
}

function isObject(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refused(at: string, fault: string): MeshError {
  return new MeshError('bad_schema', `In the JSON schema, ${at.slice(0, 200)} ${fault}.`);
}
