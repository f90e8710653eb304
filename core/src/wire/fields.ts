/** The fields that messages on every plane are made of: a stranger's message with any other field is invalid. */
import * as v from 'valibot';
import { ERROR_CODES } from '../base/errors.ts';
import { asSentence, isLabel } from '../base/label.ts';
import {
  isContentId,
  isModelId,
  isNetworkId,
  isPeerId,
  isTaskId,
  isTaskName,
  type ContentId,
  type ModelId,
  type NetworkId,
  type PeerId,
  type TaskId,
  type TaskName,
} from '../base/ids.ts';

/** The most bytes that one whole message may take, on either plane. */
export const MAX_MESSAGE_BYTES = 1_048_576;
/** The most bytes of anything signed: a lease, an acknowledgement, one half of a receipt. */
export const MAX_RECORD_BYTES = 640;
/** The most bytes of a network's genesis: one with all its lists full is smaller. */
export const MAX_GENESIS_BYTES = 8_192;
/** The dimensions of one vector. Those of today's largest models have 4,096. */
export const MAX_VECTOR_NUMBERS = 8_192;

export const peerId = v.custom<PeerId>(isPeerId);
export const taskId = v.custom<TaskId>(isTaskId);
export const modelId = v.custom<ModelId>(isModelId);
export const contentId = v.custom<ContentId>(isContentId);
export const networkId = v.custom<NetworkId>(isNetworkId);
export const taskName = v.custom<TaskName>(isTaskName);
export const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
export const positive = v.pipe(v.number(), v.finite(), v.minValue(0));
/** Replaces lone surrogates: passed on, each grows to three bytes of UTF-8, perhaps past the limit. */
export const text = (most: number) => v.pipe(v.string(), v.maxLength(most), v.transform(wellFormed));
/** A name that is shown to people: see `label.ts`. It may be empty unless `least` says otherwise. */
export const label = (most: number, least = 0) =>
  v.pipe(
    v.string(),
    v.minLength(least, 'empty'),
    v.maxLength(most, `longer than ${most} characters`),
    v.check((value) => value.length > most || isLabel(value), 'with characters that nobody can see'),
  );
/** A sentence for a person, in one line: invisible characters are taken out. */
export const sentence = (most: number) => v.pipe(v.string(), v.maxLength(most), v.transform(asSentence));
/** At most `most` items; invalid ones are left out, so that one stranger's item does not spoil the others'. */
export const listOf = <T extends v.GenericSchema>(item: T, most: number) =>
  v.pipe(
    v.array(v.unknown()),
    v.maxLength(most),
    v.transform((all) =>
      all.flatMap((one): v.InferOutput<T>[] => {
        const read = v.safeParse(item, one);
        return read.success ? [read.output] : [];
      }),
    ),
  );
/** The SHA-256 of a file, in hex. */
export const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
export const errorCode = v.picklist(ERROR_CODES);
/** Bytes in MessagePack, at most `most`. */
export const bytes = (most: number) =>
  v.pipe(
    v.instance(Uint8Array),
    v.check((value) => value.byteLength <= most),
  );
/** Bytes in JSON: base32, see `base32.ts`; exactly this many, or at most. */
export const base32 = (exactly: number) => v.pipe(v.string(), v.length(base32Length(exactly)), v.regex(/^[a-z2-7]*$/));
export const base32UpTo = (most: number) => v.pipe(v.string(), v.maxLength(base32Length(most)), v.regex(/^[a-z2-7]+$/));

/** `text` with U+FFFD in place of every lone surrogate. */
export function wellFormed(text: string): string {
  return LONE_SURROGATE.test(text) ? text.replaceAll(LONE_SURROGATES, '\ufffd') : text;
}

const LONE_SURROGATE = /\p{Cs}/u;
const LONE_SURROGATES = /\p{Cs}/gu;

function base32Length(byteLength: number): number {
  return Math.ceil((byteLength * 8) / 5);
}

/** The longest JSON schema, as JSON text. */
export const MAX_SCHEMA_CHARS = 65_536;
