/**
 * The inside of a task's messages, which its kind declares: the input, a piece, a result. It is MessagePack within
 * MessagePack, so that both ends sign the very same bytes, and those that pass them on need not know the kind.
 */
import { Decoder, Encoder } from '@msgpack/msgpack';
import * as v from 'valibot';
import { MAX_MESSAGE_BYTES } from './fields.ts';
import { MAX_TOKEN_IDS } from '../protocol.ts';
import { wellShaped } from './msgpack-shape.ts';

/** A conversation in a request has four levels: fields, turns, a turn, its text. */
const MAX_DEPTH = 8;
const encoder = new Encoder({ maxDepth: MAX_DEPTH, ignoreUndefined: true });
const decoder = new Decoder({
  maxStrLength: MAX_MESSAGE_BYTES,
  maxBinLength: MAX_MESSAGE_BYTES,
  maxArrayLength: MAX_TOKEN_IDS,
  maxMapLength: 64,
  maxExtLength: 64,
});

/** Leaves out fields that are undefined. Throws on values that MessagePack cannot express. */
export function packBody(value: unknown): Uint8Array<ArrayBuffer> {
  return encoder.encode(value);
}

/** The bytes as `schema` reads them; null: they do not fit it. */
export function readBody<T extends v.GenericSchema>(schema: T, bytes: Uint8Array): v.InferOutput<T> | null {
  if (!wellShaped(bytes, MAX_DEPTH)) return null;
  let value: unknown;
  try {
    value = decoder.decode(bytes);
  } catch {
    // It is not MessagePack, or something in it is larger than any kind needs.
    return null;
  }
  const result = v.safeParse(schema, value, { abortEarly: true });
  return result.success ? result.output : null;
}
