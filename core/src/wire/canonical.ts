/** Values as bytes that can be signed: MessagePack with one way to write each value; we read nothing else. */
import { Encoder } from '@msgpack/msgpack';
import * as v from 'valibot';
import { readCanonicalValue } from './canonical-reader.ts';

/** As the encoder counts: a text in a list in a list has depth 3. */
const MAX_DEPTH = 4;
const encoder = new Encoder({ maxDepth: MAX_DEPTH });

/** The fields in their order; numbers are whole. */
export function canonical(fields: readonly unknown[]): Uint8Array<ArrayBuffer> {
  return encoder.encode(fields);
}

/** The bytes as `schema` reads them; null: it refuses them, or they are not in canonical form. */
export function readCanonical<T extends v.GenericSchema<unknown, readonly unknown[]>>(
  schema: T,
  bytes: Uint8Array,
): v.InferOutput<T> | null {
  const value = readCanonicalValue(bytes);
  if (value === undefined) return null;
  const result = v.safeParse(schema, value);
  return result.success ? result.output : null;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  // Everything that anyone signs is compared here: a call for each byte would take most of the time.
  for (let i = 0; i < a.byteLength; i++) if (a[i] !== b[i]) return false;
  return true;
}
