/** The body of `POST /v1/chat/completions`, and what of it a mesh can carry out. */
import * as v from 'valibot';
import { peerId, sha256 } from '@llmesh/core/fields';
import { MAX_NAMED_PEERS } from '@llmesh/core/control-protocol';
import { turnsFault } from '@llmesh/core/prompt';
import { MAX_TURNS, type Sampling, type Turn } from '@llmesh/core/protocol';
import { FORM_PARAMETERS, formOf } from './answer-form.ts';
import { asApiError, badRequest, unsupported } from './api-error.ts';
import { checked } from './checked.ts';
import { turnsOf, withSystem } from './messages.ts';
import { withoutUnsupported } from './unsupported.ts';

/** More than any model's context: a provider writes no further than that. */
const MAX_ANSWER_TOKENS = 1_048_576;
const MAX_CHOICES = 8;
const MAX_FALLBACKS = 8;
const MAX_STOPS = 4;
const MAX_STOP_CHARACTERS = 256;
/** The control plane takes so many names, and those that were tried have to fit beside these. */
const MAX_IGNORED = 32;

const whole = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.check((value) => Number.isInteger(value) && value >= least && value <= most, `It is ${least} to ${most}, whole.`),
  );
const between = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.check((value) => value >= least && value <= most, `It is a number from ${least} to ${most}.`),
  );
/** A name that no model can have is one that nobody lends. */
const model = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const adapter = v.pipe(
  v.string(),
  v.check((value) => v.is(sha256, value), 'It is the SHA-256 of the adapter: 64 digits and letters a to f.'),
);
const stop = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_STOP_CHARACTERS));

const ChatRequestSchema = v.strictObject({
  model,
  /** Asked in turn where `model` cannot answer. */
  models: v.optional(v.pipe(v.array(model), v.maxLength(MAX_FALLBACKS)), []),
  /** Of the model: `/v1/models` has them. */
  adapter: v.optional(adapter),
  messages: v.pipe(v.array(v.unknown()), v.minLength(1), v.maxLength(MAX_TURNS)),
  stream: v.optional(v.boolean(), false),
  stream_options: v.optional(
    v.strictObject({
      include_usage: v.optional(v.nullable(v.boolean())),
      // Noise against whoever measures the size of chunks: there is none here.
      include_obfuscation: v.optional(v.nullable(v.literal(false))),
    }),
  ),
  temperature: v.optional(between(0, 2)),
  top_p: v.optional(between(0, 1)),
  seed: v.optional(whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
  max_tokens: v.optional(whole(1, MAX_ANSWER_TOKENS)),
  max_completion_tokens: v.optional(whole(1, MAX_ANSWER_TOKENS)),
  n: v.optional(whole(1, MAX_CHOICES), 1),
  ...FORM_PARAMETERS,
  stop: v.optional(v.union([stop, v.pipe(v.array(stop), v.maxLength(MAX_STOPS))], 'Up to four texts that end it.'), []),
  provider: v.optional(
    v.strictObject({
      only: v.optional(v.nullable(v.pipe(v.array(peerId), v.maxLength(MAX_NAMED_PEERS)))),
      ignore: v.optional(v.nullable(v.pipe(v.array(peerId), v.maxLength(MAX_IGNORED)))),
    }),
    {},
  ),
  privacy: v.optional(v.picklist(['own', 'trusted', 'any'], 'It is "own", "trusted" or "any".'), 'any'),
});

export interface ChatRequest extends Pick<v.InferOutput<typeof ChatRequestSchema>, 'provider' | 'privacy'> {
  /** The first that can answer does. Never empty, none twice. */
  models: readonly string[];
  /** By its SHA-256; null: the model as it is. */
  adapter: string | null;
  turns: Turn[];
  sampling: Sampling;
  /** Null: as long as the model likes. */
  maxTokens: number | null;
  choices: number;
  /** The answer ends before the first of these. */
  stops: readonly string[];
  /** A JSON schema of the whole answer, as text; null: it is free. */
  schema: string | null;
  /** Functions may be called: the answer is what `tool-reader.ts` reads. */
  tools: boolean;
  stream: boolean;
  includeUsage: boolean;
}

/** Throws an `ApiError` that names the parameter which is wrong, or which nothing here carries out. */
export function parseChatRequest(body: unknown): ChatRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badRequest(null, 'The body is one JSON object with "model" and "messages".');
  }
  const request = checked(ChatRequestSchema, withoutUnsupported(body), '');
  const form = formOf(request);
  const said = turnsOf(request.messages, form.tools);
  const turns = form.system === null ? said : withSystem(said, form.system);
  const fault = turnsFault(turns);
  if (fault !== null) throw asApiError(fault);
  const { model, models, stream, temperature, top_p: topP, seed, stream_options: options, provider, privacy } = request;
  if (options !== undefined && !stream) throw badRequest('stream_options', 'It goes with "stream": true only.');
  if (request.max_tokens !== undefined && request.max_completion_tokens !== undefined) {
    throw badRequest('max_tokens', 'Say max_completion_tokens alone: both mean the same.');
  }
  const stops = [request.stop].flat();
  if (form.schema !== null && stops.length > 0) {
    throw unsupported('stop', 'An answer of a given form ends where the form ends. Leave "stop" out.');
  }
  return {
    models: [...new Set([model, ...models])],
    adapter: request.adapter ?? null,
    turns,
    sampling: {
      ...(temperature !== undefined && { temperature }),
      ...(topP !== undefined && { topP }),
      ...(seed !== undefined && { seed: toSeed(seed) }),
    },
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? null,
    choices: request.n,
    stops,
    schema: form.schema,
    tools: form.tools,
    stream,
    includeUsage: options?.include_usage === true,
    provider,
    privacy,
  };
}

/** OpenAI's seeds have a sign and up to 53 bits, ours 32 without: the same one always is the same one. */
export function toSeed(seed: number): number {
  return ((seed % 0x1_0000_0000) + 0x1_0000_0000) % 0x1_0000_0000;
}
