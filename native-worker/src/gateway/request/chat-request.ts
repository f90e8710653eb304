/** The body of `POST /v1/chat/completions`, as far as a mesh can carry it out. */
import * as v from 'valibot';
import { MAX_TOP_LOGPROBS, type Thinking, type Tools, type Turn } from '@llmesh/core/protocol';
import { turnsFault } from '@llmesh/core/wire/turns';
import { FORM_PARAMETERS, formOf } from './answer-form.ts';
import { asApiError, badRequest, unsupported } from './api-error.ts';
import { checked, whole } from './checked.ts';
import { maxTokens, maxTokensOf } from './max-tokens.ts';
import { turnsOf, withSystem } from './messages.ts';
import { parametersOf, HOW, WHO, wishOf, type Wish } from './request-fields.ts';
import { THINKING, thinkingOf } from './thinking-fields.ts';
import { withTools } from './tool-choice.ts';
import { withoutUnsupported } from './unsupported.ts';

const ChatRequestSchema = v.strictObject({
  ...WHO,
  ...HOW,
  messages: v.unknown(),
  max_tokens: v.optional(maxTokens),
  max_completion_tokens: v.optional(maxTokens),
  logprobs: v.optional(v.boolean(), false),
  top_logprobs: v.optional(whole(0, MAX_TOP_LOGPROBS)),
  ...THINKING,
  ...FORM_PARAMETERS,
});

export interface ChatRequest extends Wish {
  turns: Turn[];
  /** Null: as long as the model likes. */
  maxTokens: number | null;
  /** Null: as the model is made. */
  thinking: Thinking | null;
  /** A JSON schema of what is said, as text; null: that is free. */
  schema: string | null;
  /** Functions that may be called; null: there are none. */
  tools: Tools | null;
  /** It was asked with `functions`: calls are answered in the words of that time. */
  legacy: boolean;
  /** How many alternatives to tell at each token; null: nothing is told. */
  logprobs: number | null;
}

/** Throws an `ApiError` that names the parameter which is wrong or not supported here. */
export function parseChatRequest(body: unknown): ChatRequest {
  const fields = withoutUnsupported(parametersOf(body, '"model" and "messages"'), 'chat');
  const { request: asked, legacy } = withTools(fields);
  // A list of messages may be missing: `turnsOf` says so.
  const request = checked(ChatRequestSchema, { messages: undefined, ...asked }, '');
  const form = formOf(request);
  const said = turnsOf(request.messages);
  const fault = turnsFault(said);
  if (fault !== null) throw asApiError(fault);
  return {
    ...wishOf(request),
    turns: form.system === null ? said : withSystem(said, form.system),
    maxTokens: maxTokensOf({
      max_completion_tokens: request.max_completion_tokens,
      max_tokens: request.max_tokens,
    }),
    thinking: thinkingOf(request),
    schema: form.schema,
    tools: form.tools,
    legacy,
    logprobs: logprobsOf(request, form.tools !== null),
  };
}

function logprobsOf(
  { logprobs, top_logprobs: top }: Pick<v.InferOutput<typeof ChatRequestSchema>, 'logprobs' | 'top_logprobs'>,
  tools: boolean,
): number | null {
  if (!logprobs && top !== undefined && top > 0) {
    throw badRequest('top_logprobs', '"top_logprobs" goes with "logprobs": true only.');
  }
  if (logprobs && tools) {
    throw unsupported('logprobs', 'An answer that may call functions has none: its tokens are not its text.');
  }
  return logprobs ? (top ?? 0) : null;
}
