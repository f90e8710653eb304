/** What requests for answers have in common: who is asked, how it is written, how it ends. */
import * as v from 'valibot';
import { MAX_STOP_CHARACTERS, MAX_STOPS } from '@llmesh/core/ask/stops/stop-limits';
import { MAX_NAMED_PEERS } from '@llmesh/core/wire/control-protocol';
import { isPeerId, type PeerId } from '@llmesh/core/base/ids';
import type { Sampling } from '@llmesh/core/protocol';
import { badRequest } from './api-error.ts';
import { whole } from './checked.ts';
import { isObject } from './message-content.ts';
import { SAMPLING, samplingOf } from './sampling-fields.ts';

export const MAX_CHOICES = 8;
const MAX_FALLBACKS = 8;
/** The control plane accepts a limited number of names, and those that were tried have to fit beside these. */
const MAX_IGNORED = 32;

/** A name that no model can have counts as one that nobody lends. */
const model = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const adapter = v.pipe(v.string(), v.minLength(1), v.maxLength(64, 'It is the SHA-256 of an adapter, or a name.'));
const peerId = v.custom<PeerId>(
  isPeerId,
  'It is the id of a volunteer, 32 small letters and digits: /api/peers lists them.',
);
const stop = v.pipe(
  v.string(),
  v.maxLength(
    MAX_STOP_CHARACTERS,
    ({ received }) => `A stop text has up to ${MAX_STOP_CHARACTERS} characters; this has ${received}.`,
  ),
);
const stops = v.pipe(
  v.array(stop),
  v.maxLength(MAX_STOPS, ({ received }) => `Up to ${MAX_STOPS} stop texts can be given; these are ${received}.`),
);

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
      continuous_usage_stats: v.optional(v.nullable(v.literal(false))),
    }),
  ),
  ...SAMPLING,
  n: v.optional(whole(1, MAX_CHOICES), 1),
  /** Empty ones end nothing. */
  stop: v.optional(v.union([stop, stops], 'It is a text, or a list of texts.'), []),
};

type Who = v.InferOutput<ReturnType<typeof v.object<typeof WHO, undefined>>>;
type How = v.InferOutput<ReturnType<typeof v.object<typeof HOW, undefined>>>;

/** What these fields are read as. */
export interface Wish extends Pick<Who, 'provider' | 'privacy'> {
  /** The first model that can answer does. Never empty, and none stands twice. */
  models: readonly string[];
  /** The SHA-256 of an adapter, or the name of one of the gateway; null: the model as it is. */
  adapter: string | null;
  sampling: Sampling;
  choices: number;
  /** The answer ends before the first of these. */
  stops: readonly string[];
  stream: boolean;
  includeUsage: boolean;
}

export function wishOf(request: Who & How): Wish {
  const { model: first, models, provider, privacy, stream, stream_options: options, n } = request;
  if (options?.include_usage === true && !stream) {
    throw badRequest('stream_options', '"stream_options" goes with "stream": true only.');
  }
  return {
    models: [...new Set([first, ...models])],
    adapter: request.adapter ?? null,
    sampling: samplingOf(request),
    choices: n,
    stops: [...new Set([request.stop].flat())].filter((text) => text !== ''),
    stream,
    includeUsage: options?.include_usage === true,
    provider,
    privacy,
  };
}

/**
 * The body as an object. Throws an `ApiError`. `has`: what it should hold, for the message. Ollama's programs put into
 * `options` what stands beside the model elsewhere: they count as parameters, unless the body says the same itself.
 */
export function parametersOf(body: unknown, has: string): Record<string, unknown> {
  if (!isObject(body)) throw badRequest(null, `The body is one JSON object with ${has}.`);
  const { options, ...rest } = body;
  if (options === undefined || options === null) return rest;
  if (!isObject(options)) throw badRequest('options', '"options" is an object of parameters.');
  const { num_predict: maxTokens, ...others } = options;
  return { ...others, ...(maxTokens !== undefined && { max_tokens: maxTokens }), ...rest };
}
