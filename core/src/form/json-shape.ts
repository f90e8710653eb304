/** What a JSON schema allows, as plain data: engines live in workers. `json-schema.ts` makes it, `json-grammar.ts` uses it. */
import type { Automaton } from './spelt/automaton.ts';

export type JsonShape =
  | { kind: 'any' }
  | { kind: 'string'; minLength: number; maxLength: number | null }
  | { kind: 'number' | 'integer' | 'boolean' | 'null' }
  /** A string, or a number where it is not quoted, that is spelt like this. */
  | { kind: 'spelt'; isQuoted: boolean; spelling: Automaton }
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
  /** The shapes by their references, as "#/$defs/…". */
  named: Record<string, JsonShape>;
}

/** A shape that has others inside. */
export type Container = Extract<JsonShape, { kind: 'list' | 'object' | 'map' }>;

export function isContainer(shape: JsonShape): shape is Container {
  return shape.kind === 'list' || shape.kind === 'object' || shape.kind === 'map';
}

/** The shapes directly inside. */
export function childrenOf(shape: JsonShape): JsonShape[] {
  switch (shape.kind) {
    case 'choice':
      return shape.shapes;
    case 'list':
      return [shape.items];
    case 'map':
      return [shape.values];
    case 'object':
      return [...shape.required, ...shape.optional].map(([, value]) => value);
    default:
      return [];
  }
}

/** The shape that a name stands for, which is not itself a name. */
export function resolved(shape: JsonShape, named: ReadonlyMap<string, JsonShape>): JsonShape {
  let at = shape;
  while (at.kind === 'named') {
    const next = named.get(at.name);
    if (next === undefined) throw new TypeError(`There is no shape ${at.name}.`);
    at = next;
  }
  return at;
}
