/** Lowers what schemas say about objects: to declared properties, or to any keys with values of one kind. */
import type { Gaps } from './schema-gaps.ts';
import { isListOfNames, isObject } from '../schema-node.ts';
import type { Lower, Part, RawPart } from './schema-part.ts';

export class LoweredObject {
  readonly #parts: readonly Part[];
  readonly #gaps: Gaps;
  readonly #lower: Lower;

  constructor(parts: readonly Part[], gaps: Gaps, lower: Lower) {
    this.#parts = parts;
    this.#gaps = gaps;
    this.#lower = lower;
  }

  /** Null: there is no such object. */
  lowered(level: number): object | null {
    const declared = this.#declared();
    const required = this.#required();
    if (declared.size === 0 && required.size === 0 && !this.#isClosed()) return this.#map(level);
    for (const name of required) if (!declared.has(name)) declared.set(name, this.#beside());
    const properties: [string, object][] = [];
    for (const [name, schemas] of declared) {
      const lowered = this.#lower(schemas, level + 1);
      if (lowered !== null) properties.push([name, lowered]);
      else if (required.has(name)) return null;
    }
    return {
      type: 'object',
      // A name may be "__proto__".
      properties: Object.fromEntries(properties),
      ...(required.size > 0 && { required: [...required] }),
      additionalProperties: false,
    };
  }

  /** Any keys. */
  #map(level: number): object {
    for (const { node, at } of this.#parts) {
      const names = node['propertyNames'];
      const isAny = isObject(names) && Object.keys(names).every((key) => key === 'type');
      if (names !== undefined && names !== true && !isAny) this.#gaps.add(at, 'propertyNames');
    }
    const values = this.#lower(this.#beside(), level + 1);
    if (values === null) return { type: 'object', properties: {}, additionalProperties: false };
    return { type: 'object', additionalProperties: values };
  }

  /** What is said about each property, in the order in which they are named. */
  #declared(): Map<string, RawPart[]> {
    const declared = new Map<string, RawPart[]>();
    for (const { node, at } of this.#parts) {
      const { properties } = node;
      const names = namesAllowed(node);
      const entries = isObject(properties)
        ? Object.entries(properties)
        : names.map((name): [string, unknown] => [name, node['additionalProperties'] ?? true]);
      for (const [name, schema] of entries) {
        const own: RawPart = { node: schema, at: `${at}/properties/${name}` };
        declared.set(name, [...(declared.get(name) ?? []), own]);
      }
    }
    return declared;
  }

  /** What is said about properties that are not named. */
  #beside(): RawPart[] {
    return this.#parts.flatMap(({ node, at }): RawPart[] => {
      const more = node['additionalProperties'];
      return isObject(more) || more === false ? [{ node: more, at: `${at}/additionalProperties` }] : [];
    });
  }

  #required(): Set<string> {
    return new Set(this.#parts.flatMap(({ node }) => (isListOfNames(node['required']) ? node['required'] : [])));
  }

  /** Whether properties are declared, if none: then there are no others. */
  #isClosed(): boolean {
    return this.#parts.some(
      ({ node }) =>
        node['additionalProperties'] === false ||
        (isObject(node['properties']) &&
          node['additionalProperties'] === undefined &&
          node['patternProperties'] === undefined),
    );
  }
}

/** The keys that `propertyNames` spells out: some generators write a record like that. */
function namesAllowed({ propertyNames }: Record<string, unknown>): string[] {
  const names = isObject(propertyNames) ? propertyNames.enum : undefined;
  return isListOfNames(names) ? names : [];
}
