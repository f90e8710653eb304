/** What requests for answers have in common: who is asked, how it is written, how it ends. */
import * as v from 'valibot';
import { MAX_NAMED_PEERS } from '@llmesh/core/wire/control-protocol';
import { peerId, sha256 } from '@llmesh/core/wire/fields';
import type { Sampling } from '@llmesh/core/protocol';
import { badRequest } from './api-error.ts';

/** More than any model's context: a provider writes no further than that. */
export const MAX_ANSWER_TOKENS = 1_048_576;
export const MAX_CHOICES = 8;
const MAX_FALLBACKS = 8;
const MAX_STOPS = 4;
const MAX_STOP_CHARACTERS = 256;
/** The control plane accepts a limited number of names, and those that were tried have to fit beside these. */
const MAX_IGNORED = 32;

export const whole = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.check((value) => Number.isInteger(value) && value >= least && value <= most, `It is ${least} to ${most}, whole.`),
  );
const between = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.check((value) => value >= least && value <= most, `It is a number from ${least} to ${most}.`),
  );
/** A name that no model can have counts as one that nobody lends. */
const model = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const adapter = v.pipe(
  v.string(),
  v.check((value) => v.is(sha256, value), 'It is the SHA-256 of the adapter: 64 digits and letters a to f.'),
);
const stop = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_STOP_CHARACTERS));

/** The fields that say which models and whose computers are asked. */
export const WHO = {
  model,
  /** The models asked in turn where `model` cannot answer. */
  models: v.optional(v.pipe(v.array(model), v.maxLength(MAX_FALLBACKS)), []),
  provider: v.optional(
    v.strictObject({
      only: v.optional(v.nullable(v.pipe(v.array(peerId), v.maxLength(MAX_NAMED_PEERS)))),
      ignore: v.optional(v.nullable(v.pipe(v.array(peerId), v.maxLength(MAX_IGNORED)))),
    }),
    {},
  ),
  privacy: v.optional(v.picklist(['own', 'trusted', 'any'], 'It is "own", "trusted" or "any".'), 'any'),
};

/** The fields that say how the answer is written and sent. */
export const HOW = {
  /** An adapter of the model: `/v1/models` lists them. */
  adapter: v.optional(adapter),
  stream: v.optional(v.boolean(), false),
  stream_options: v.optional(
    v.strictObject({
      include_usage: v.optional(v.nullable(v.boolean())),
      // It would ask for noise against somebody who measures the size of chunks: there is none here.
      include_obfuscation: v.optional(v.nullable(v.literal(false))),
    }),
  ),
  temperature: v.optional(between(0, 2)),
  top_p: v.optional(between(0, 1)),
  seed: v.optional(whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
  presence_penalty: v.optional(between(-2, 2)),
  frequency_penalty: v.optional(between(-2, 2)),
  n: v.optional(whole(1, MAX_CHOICES), 1),
  stop: v.optional(v.union([stop, v.pipe(v.array(stop), v.maxLength(MAX_STOPS))], 'Up to four texts that end it.'), []),
};

type Who = v.InferOutput<ReturnType<typeof v.object<typeof WHO, undefined>>>;
type How = v.InferOutput<ReturnType<typeof v.object<typeof HOW, undefined>>>;

/** What these fields are read as. */
export interface Wish extends Pick<Who, 'provider' | 'privacy'> {
  /** The first model that can answer does. Never empty, and none stands twice. */
  models: readonly string[];
  /** The SHA-256 of the adapter; null: the model as it is. */
  adapter: string | null;
  sampling: Sampling;
  choices: number;
  /** The answer ends before the first of these. */
  stops: readonly string[];
  stream: boolean;
  includeUsage: boolean;
}

export function wishOf(request: Who & How): Wish {
  const { model: first, models, provider, privacy, stream, stream_options: options, n, seed } = request;
  const { temperature, top_p: topP, presence_penalty: presencePenalty, frequency_penalty: frequencyPenalty } = request;
  if (options !== undefined && !stream) throw badRequest('stream_options', 'It goes with "stream": true only.');
  return {
    models: [...new Set([first, ...models])],
    adapter: request.adapter ?? null,
    sampling: {
      ...(temperature !== undefined && { temperature }),
      ...(topP !== undefined && { topP }),
      ...(seed !== undefined && { seed: toSeed(seed) }),
      ...(presencePenalty !== undefined && presencePenalty !== 0 && { presencePenalty }),
      ...(frequencyPenalty !== undefined && frequencyPenalty !== 0 && { frequencyPenalty }),
    },
    choices: n,
    stops: [request.stop].flat(),
    stream,
    includeUsage: options?.include_usage === true,
    provider,
    privacy,
  };
}

/** The body as an object. Throws an `ApiError`. `has`: what it should hold, for the message. */
export function anObject(body: unknown, has: string): object {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  throw badRequest(null, `The body is one JSON object with ${has}.`);
}

/** OpenAI's seeds have a sign and up to 53 bits, ours 32 bits and no sign: the same seed always maps to the same one. */
export function toSeed(seed: number): number {
  return ((seed % 0x1_0000_0000) + 0x1_0000_0000) % 0x1_0000_0000;
}
