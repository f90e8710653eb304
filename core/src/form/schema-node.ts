/** A JSON schema as it comes: nothing in it is checked yet. */
import { MeshError } from '../base/errors.ts';

type Keyword = '$ref' | 'const' | 'enum' | 'anyOf' | 'oneOf' | 'allOf' | 'type' | '$defs' | 'definitions';
type TypeKeyword =
  | 'properties'
  | 'required'
  | 'additionalProperties'
  | 'items'
  | 'pattern'
  | 'format'
  | `exclusive${'Min' | 'Max'}imum`
  | `${'min' | 'max'}${'Items' | 'Length' | 'imum'}`;
export type Node = Partial<Record<Keyword | TypeKeyword, unknown>>;

export function isObject(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Anything else must not even be turned into a text, as an object may define how. */
export function isListOfNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

/** `at`: the place in the schema. */
export function refused(at: string, fault: string): MeshError {
  return new MeshError('bad_schema', `In the JSON schema, ${at.slice(0, 200)} ${fault}.`);
}
