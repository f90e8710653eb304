/** The body of `POST /v1/chat/completions`, as far as a mesh can carry it out. */
import * as v from 'valibot';
import { MAX_TOP_LOGPROBS, MAX_TURNS, type Turn } from '@llmesh/core/protocol';
import { FORM_PARAMETERS, formOf, type Wanted } from './answer-form.ts';
import { asApiError, badRequest, unsupported } from './api-error.ts';
import { checked } from './checked.ts';
import { turnsOf, withSystem } from './messages.ts';
import { anObject, HOW, MAX_ANSWER_TOKENS, whole, WHO, wishOf, type Wish } from './request-fields.ts';
import { withoutUnsupported } from './unsupported.ts';
import { turnsFault } from '@llmesh/core/wire/turns';

const ChatRequestSchema = v.strictObject({
  ...WHO,
  ...HOW,
  messages: v.pipe(v.array(v.unknown()), v.minLength(1), v.maxLength(MAX_TURNS)),
  max_tokens: v.optional(whole(1, MAX_ANSWER_TOKENS)),
  max_completion_tokens: v.optional(whole(1, MAX_ANSWER_TOKENS)),
  logprobs: v.optional(v.boolean(), false),
  top_logprobs: v.optional(whole(0, MAX_TOP_LOGPROBS)),
  ...FORM_PARAMETERS,
});

export interface ChatRequest extends Wish {
  turns: Turn[];
  /** Null: as long as the model likes. */
  maxTokens: number | null;
  /** A JSON schema of the whole answer, as text; null: the answer is free. */
  schema: string | null;
  /** Functions may be called: the answer is what `tool-reader.ts` reads. */
  tools: boolean;
  /** What is looked at once it is whole. */
  wanted: Wanted;
  /** How many alternatives to tell at each token; null: nothing is told. */
  logprobs: number | null;
}

/** Throws an `ApiError` that names the parameter which is wrong or not supported here. */
export function parseChatRequest(body: unknown): ChatRequest {
  const request = checked(ChatRequestSchema, withoutUnsupported(anObject(body, '"model" and "messages"'), 'chat'), '');
  const form = formOf(request);
  const said = turnsOf(request.messages, form.tools);
  const turns = form.system === null ? said : withSystem(said, form.system);
  const fault = turnsFault(turns);
  if (fault !== null) throw asApiError(fault);
  if (request.max_tokens !== undefined && request.max_completion_tokens !== undefined) {
    throw badRequest('max_tokens', 'Say max_completion_tokens alone: both mean the same.');
  }
  const wish = wishOf(request);
  if (form.schema !== null && wish.stops.length > 0) {
    throw unsupported('stop', 'An answer of a given form ends where the form ends. Leave "stop" out.');
  }
  return {
    ...wish,
    turns,
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? null,
    schema: form.schema,
    tools: form.tools,
    wanted: form.wanted,
    logprobs: logprobsOf(request, form.tools),
  };
}

function logprobsOf(
  { logprobs, top_logprobs: top }: Pick<v.InferOutput<typeof ChatRequestSchema>, 'logprobs' | 'top_logprobs'>,
  tools: boolean,
): number | null {
  if (!logprobs && top !== undefined && top > 0)
    throw badRequest('top_logprobs', 'It goes with "logprobs": true only.');
  if (logprobs && tools) {
    throw unsupported('logprobs', 'An answer that may call functions has none: its tokens are not its text.');
  }
  return logprobs ? (top ?? 0) : null;
}
