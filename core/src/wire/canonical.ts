/** Values as bytes that can be signed: MessagePack with one way to write each value; we read nothing else. */
import { Decoder, Encoder } from '@msgpack/msgpack';
import * as v from 'valibot';
import { wellShaped } from './msgpack-shape.ts';

/** As the encoder counts: a text in a list in a list has depth 3. */
const MAX_DEPTH = 4;
const encoder = new Encoder({ maxDepth: MAX_DEPTH });
const decoder = new Decoder({
  maxStrLength: 65_536 * 3,
  maxBinLength: 8_192,
  maxArrayLength: 4_096,
  maxMapLength: 0,
  maxExtLength: 0,
});

/** The fields in their order; numbers are whole. */
export function canonical(fields: readonly unknown[]): Uint8Array<ArrayBuffer> {
  return encoder.encode(fields);
}

/** The bytes as `schema` reads them; null: it refuses them, or they are not in canonical form. */
export function readCanonical<T extends v.GenericSchema<unknown, readonly unknown[]>>(
  schema: T,
  bytes: Uint8Array,
): v.InferOutput<T> | null {
  // Lists in lists, without what is in them: what is deeper, the encoder below would not write again but throw.
  if (!wellShaped(bytes, MAX_DEPTH - 1)) return null;
  let value: unknown;
  try {
    value = decoder.decode(bytes);
  } catch {
    // Not MessagePack, or larger than anything that is signed: in either case not what it claims to be.
    return null;
  }
  const result = v.safeParse(schema, value);
  if (!result.success) return null;
  const again = canonical(result.output);
  return sameBytes(again, bytes) ? result.output : null;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  // Everything that anyone signs is compared here: a call for each byte would take most of the time.
  for (let i = 0; i < a.byteLength; i++) if (a[i] !== b[i]) return false;
  return true;
}
