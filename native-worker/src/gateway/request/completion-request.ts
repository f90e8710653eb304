/** The body of `POST /v1/completions`: bare texts to continue. */
import * as v from 'valibot';
import { MAX_PROMPT_BYTES } from '@llmesh/core/protocol';
import { badRequest, unsupported } from './api-error.ts';
import { checked, whole } from './checked.ts';
import { maxTokens, maxTokensOf } from './max-tokens.ts';
import { parametersOf, HOW, MAX_CHOICES, WHO, wishOf, type Wish } from './request-fields.ts';
import { withoutUnsupported } from './unsupported.ts';

/** OpenAI's default. */
const DEFAULT_MAX_TOKENS = 16;
const MAX_TOP_LOGPROBS = 5;
const prompt = v.pipe(v.string(), v.maxLength(MAX_PROMPT_BYTES));

const CompletionRequestSchema = v.strictObject({
  ...WHO,
  ...HOW,
  prompt: v.union(
    [prompt, v.pipe(v.array(prompt), v.minLength(1), v.maxLength(MAX_CHOICES))],
    `It is a text, or up to ${MAX_CHOICES} of them. Token ids mean something else to each model.`,
  ),
  max_tokens: v.optional(maxTokens, DEFAULT_MAX_TOKENS),
  logprobs: v.optional(whole(0, MAX_TOP_LOGPROBS)),
  echo: v.optional(v.boolean(), false),
  best_of: v.optional(whole(1, MAX_CHOICES)),
});

export interface CompletionRequest extends Wish {
  /** Each prompt gets `choices` answers, MAX_CHOICES at most in all. */
  prompts: readonly string[];
  /** Null: as long as the model likes. */
  maxTokens: number | null;
  /** How many alternatives to tell at each token; null: nothing is told. */
  logprobs: number | null;
  /** The text of a choice begins with its prompt. */
  echo: boolean;
}

/** Throws an `ApiError` that names the parameter which is wrong or not supported here. */
export function parseCompletionRequest(body: unknown): CompletionRequest {
  const known = withoutUnsupported(parametersOf(body, '"model" and "prompt"'), 'completion');
  const request = checked(CompletionRequestSchema, known, '');
  const { max_tokens, logprobs = null, echo } = request;
  const wish = wishOf(request);
  const prompts = [request.prompt].flat();
  if (prompts.some((text) => text.trim() === '')) {
    throw badRequest('prompt', 'The prompt is empty: there is nothing to continue.');
  }
  if (prompts.length * wish.choices > MAX_CHOICES) {
    throw badRequest('n', `One request gets ${MAX_CHOICES} answers at most, to all its prompts together.`);
  }
  if (request.best_of !== undefined && request.best_of !== wish.choices) {
    throw unsupported('best_of', 'Every answer that is written is sent. Leave "best_of" out, or say what "n" says.');
  }
  if (echo && logprobs !== null)
    throw unsupported('echo', 'How likely the prompt was is not told. Leave one of them out.');
  return { ...wish, prompts, maxTokens: maxTokensOf({ max_tokens }), logprobs, echo };
}
