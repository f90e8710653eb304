/** The body of `POST /v1/chat/completions`, and what of it a mesh can carry out. */
import * as v from 'valibot';
import { peerId } from '@llmesh/core/fields';
import { MAX_NAMED_PEERS } from '@llmesh/core/control-protocol';
import { turnsFault } from '@llmesh/core/prompt';
import { MAX_PROMPT_BYTES, MAX_TURNS, type Sampling, type Turn } from '@llmesh/core/protocol';
import { asApiError, badRequest, unsupported } from './api-error.ts';
import { withoutUnsupported } from './unsupported.ts';

/** More than any model's context: a provider writes no further than that. */
const MAX_ANSWER_TOKENS = 1_048_576;
const MAX_CHOICES = 8;
const MAX_FALLBACKS = 8;
const MAX_STOPS = 4;
const MAX_STOP_CHARACTERS = 256;
/** The control plane takes so many names, and those that were tried have to fit beside these. */
const MAX_IGNORED = 32;

const text = v.pipe(v.string(), v.maxLength(MAX_PROMPT_BYTES));
const ContentSchema = v.union(
  [text, v.pipe(v.array(v.strictObject({ type: v.literal('text'), text })), v.minLength(1), v.maxLength(MAX_TURNS))],
  'Only text can be sent: a string, or parts of type "text".',
);
const MessageSchema = v.strictObject({
  role: v.picklist(
    ['system', 'developer', 'user', 'assistant'],
    'The role is "system", "developer", "user" or "assistant". Tools are not carried out yet.',
  ),
  content: ContentSchema,
});
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
const stop = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_STOP_CHARACTERS));

const ChatRequestSchema = v.strictObject({
  model,
  /** Asked in turn where `model` cannot answer. */
  models: v.optional(v.pipe(v.array(model), v.maxLength(MAX_FALLBACKS)), []),
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

export type Privacy = v.InferOutput<typeof ChatRequestSchema>['privacy'];

export interface ChatRequest extends Pick<v.InferOutput<typeof ChatRequestSchema>, 'provider' | 'privacy'> {
  /** The first that can answer does. Never empty, none twice. */
  models: readonly string[];
  turns: Turn[];
  sampling: Sampling;
  /** Null: as long as the model likes. */
  maxTokens: number | null;
  choices: number;
  /** The answer ends before the first of these. */
  stops: readonly string[];
  stream: boolean;
  includeUsage: boolean;
}

/** Throws an `ApiError` that names the parameter which is wrong, or which nothing here carries out. */
export function parseChatRequest(body: unknown): ChatRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badRequest(null, 'The body is one JSON object with "model" and "messages".');
  }
  const request = parse(ChatRequestSchema, withoutUnsupported(body), '');
  const turns = request.messages.map(parseMessage);
  const fault = turnsFault(turns);
  if (fault !== null) throw asApiError(fault);
  const { model, models, stream, temperature, top_p: topP, seed, stream_options: options, provider, privacy } = request;
  if (options !== undefined && !stream) throw badRequest('stream_options', 'It goes with "stream": true only.');
  if (request.max_tokens !== undefined && request.max_completion_tokens !== undefined) {
    throw badRequest('max_tokens', 'Say max_completion_tokens alone: both mean the same.');
  }
  return {
    models: [...new Set([model, ...models])],
    turns,
    sampling: {
      ...(temperature !== undefined && { temperature }),
      ...(topP !== undefined && { topP }),
      ...(seed !== undefined && { seed: toSeed(seed) }),
    },
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? null,
    choices: request.n,
    stops: [request.stop].flat(),
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

function parseMessage(message: unknown, index: number): Turn {
  const at = `messages[${index}]`;
  if (typeof message !== 'object' || message === null)
    throw badRequest(at, 'A message is an object with role and content.');
  // Clients that repeat an answer send what was not in it as null, or empty.
  const entries = Object.entries(message).filter(
    ([, value]) => value !== null && !(Array.isArray(value) && value.length === 0),
  );
  for (const [name] of entries) {
    if (name !== 'role' && name !== 'content')
      throw unsupported(`${at}.${name}`, `"${name}" of a message cannot be carried out yet. Leave it out.`);
  }
  const { role, content } = parse(MessageSchema, Object.fromEntries(entries), at);
  return {
    role: role === 'developer' ? 'system' : role,
    content: typeof content === 'string' ? content : content.map((part) => part.text).join(''),
  };
}

function parse<T extends v.GenericSchema>(schema: T, value: unknown, at: string): v.InferOutput<T> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const param = pathOf(issue, at);
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    throw badRequest(param, `There is no parameter "${param}". Is it spelt right?`, 'unknown_parameter');
  }
  if (issue.received === 'undefined') throw badRequest(param, `"${param}" is missing.`, 'missing_required_parameter');
  throw badRequest(param, `"${param}" is not right. ${issue.message}`);
}

/** `messages[0].content`, as OpenAI writes it. */
function pathOf(issue: v.BaseIssue<unknown>, at: string): string {
  const steps = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  return `${at}${steps.join('')}`.replace(/^\./, '');
}
