/** The keywords of JSON Schema, from draft 4 to 2020-12 and OpenAPI, by what they say about a value. */

/** Types that `readJsonSchema` knows. */
export const TYPES = ['string', 'number', 'integer', 'boolean', 'null', 'array', 'object'] as const;
export type Type = (typeof TYPES)[number];

/** The type of value that a keyword limits: what a schema means that names none. */
export const TYPE_OF: ReadonlyMap<string, Type> = new Map([
  ...['minLength', 'maxLength', 'pattern', 'format'].map((key) => [key, 'string'] as const),
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'].map(
    (key) => [key, 'number'] as const,
  ),
  ...['items', 'prefixItems', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems'].map(
    (key) => [key, 'array'] as const,
  ),
  ...['contains', 'minContains', 'maxContains', 'unevaluatedItems'].map((key) => [key, 'array'] as const),
  ...['properties', 'required', 'additionalProperties', 'patternProperties'].map((key) => [key, 'object'] as const),
  ...['propertyNames', 'minProperties', 'maxProperties', 'unevaluatedProperties'].map(
    (key) => [key, 'object'] as const,
  ),
  ...['dependencies', 'dependentRequired', 'dependentSchemas'].map((key) => [key, 'object'] as const),
]);

/** Keywords that put schemas together, or name values. */
const OTHERS = ['$ref', '$dynamicRef', '$recursiveRef', 'type', 'nullable', 'const', 'enum', 'allOf', 'anyOf', 'oneOf'];
const CONDITIONS = ['not', 'if', 'then', 'else'];
const ASSERTIONS: ReadonlySet<string> = new Set([...TYPE_OF.keys(), ...OTHERS, ...CONDITIONS]);

/** The keywords of a schema that limit a value: the others only tell people something, whatever they are. */
export function assertionsOf(node: object): string[] {
  return Object.keys(node).filter((key) => ASSERTIONS.has(key));
}
