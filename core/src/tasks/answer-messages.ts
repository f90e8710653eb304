/** The messages about an answer: the input, its pieces, and the result. */
import * as v from 'valibot';
import {
  MAX_PREFIX_CHARACTERS,
  MAX_PREFIX_TOKENS,
  MAX_TOKEN_IDS,
  MAX_TOP_LOGPROBS,
  MAX_TURNS,
  SamplingSchema,
  ThinkingSchema,
  TokenLogprobSchema,
  ToolsSchema,
  TurnSchema,
  tokenIds,
} from '../protocol.ts';
import { MAX_SCHEMA_CHARS, count, sha256, text } from '../wire/fields.ts';
import { promptBytes } from '../wire/turns.ts';

/** The most that templates and models add to a prompt: a preface of their own, and marks around each turn. */
const PREFACE_TOKENS = 1_024;
const TOKENS_PER_TURN = 64;

const syntaxField = v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,24}$/));

export const AnswerInputSchema = v.object({
  turns: v.pipe(v.array(TurnSchema), v.minLength(1), v.maxLength(MAX_TURNS)),
  sampling: SamplingSchema,
  /** The answer must be JSON by this schema (`json-schema.ts`). Left out: it is free. */
  schema: v.optional(text(MAX_SCHEMA_CHARS)),
  /** Functions that it may call; needs the ability `tools`. Beside a schema: what is said follows that. Left out: none. */
  tools: v.optional(ToolsSchema),
  /** Left out: as the model is made. */
  thinking: v.optional(ThinkingSchema),
  /** The adapter that the model answers with. Left out: it answers as it is. */
  adapter: v.optional(sha256),
  /** The content id under which whoever asks gives that adapter, on this link. Left out: they do not give it. */
  brings: v.optional(sha256),
  /** How likely each token was, and this many of the likeliest others. Left out: not reported. */
  logprobs: v.optional(v.pipe(count, v.maxValue(MAX_TOP_LOGPROBS))),
  /**
   * The part of the answer that other providers have delivered: continue after exactly this. `tokenIds` in the
   * vocabulary of this very file; null: they are those of another, or not known.
   */
  prefix: v.nullable(
    v.object({
      text: text(MAX_PREFIX_CHARACTERS),
      tokens: v.pipe(count, v.minValue(1), v.maxValue(MAX_PREFIX_TOKENS)),
      tokenIds: v.nullable(tokenIds),
      /** How it is to be read, as its first piece said; null: all of it is said. Left out: not known. */
      syntax: v.optional(v.nullable(syntaxField)),
    }),
  ),
});
export type AnswerInput = v.InferOutput<typeof AnswerInputSchema>;

/** Some tokens of the answer. */
export const AnswerPieceSchema = v.object({
  text: text(65_536),
  /** The ids in the model's vocabulary, from engines that can tell. */
  tokenIds: v.optional(tokenIds),
  /** How likely each of its tokens was, where the request asks for it. */
  logprobs: v.optional(v.pipe(v.array(TokenLogprobSchema), v.maxLength(MAX_TOKEN_IDS))),
  /** The tokens of the turns, without a prefix: with the first piece, from providers that know it then. */
  promptTokens: v.optional(count),
  /**
   * How the model writes thoughts and calls (`syntax/syntaxes.ts`), with the first piece of each provider whose text is
   * not just what is said. The text stays as the model wrote it, so that another provider can continue after it.
   */
  syntax: v.optional(syntaxField),
});
export type AnswerPiece = v.InferOutput<typeof AnswerPieceSchema>;

/** `stop`: the model ended it; `length`: `maxUnits` or the context did. */
export const AnswerResultSchema = v.object({ finish: v.picklist(['stop', 'length']) });
export type AnswerResult = v.InferOutput<typeof AnswerResultSchema>;

/** The UTF-8 bytes that a provider reads before it writes. */
export function readBytes({ turns, prefix }: Pick<AnswerInput, 'turns' | 'prefix'>): number {
  return promptBytes(prefix === null ? turns : [...turns, { role: 'assistant', content: prefix.text }]);
}

/** No model makes more tokens from a text than it has bytes. */
export function maxPromptTokens(input: Pick<AnswerInput, 'turns' | 'prefix'>): number {
  return readBytes(input) + PREFACE_TOKENS + TOKENS_PER_TURN * (input.turns.length + 1);
}
