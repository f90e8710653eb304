/** What every form of an answer says: who wrote it, how fast, at what cost. What only a mesh can tell stands under `llmesh`. */
import type { CompletionUsage } from 'openai/resources/completions';
import { peerName } from '@llmesh/core/identity/names';
import type { ApiError } from '../request/api-error.ts';
import type { Ending } from './answer.ts';
import { credits } from './request-bill.ts';
import type { ChoiceEvent } from './choice-event.ts';
import type { Call, TokenLogprob } from '@llmesh/core/protocol';

/** The beginning that all chunks of one answer, and the answer itself, share. */
export interface Heading {
  id: string;
  /** Seconds since 1970. */
  created: number;
  model: string;
}

/** One choice as it was written. */
export interface Said {
  text: string;
  /** What the model thought before it spoke. */
  thoughts: string;
  calls: Call[];
  logprobs: TokenLogprob[];
}

/** How answers are worded at one endpoint. */
export interface AnswerWords {
  whole(heading: Heading, said: readonly Said[], endings: readonly Ending[]): object;
  /** One answer, told from its beginning as it comes. */
  stream(heading: Heading): StreamWords;
}

/** A streamed answer in the words of its endpoint. Each method returns the events to send, as text; empty: none. */
export interface StreamWords {
  begin(): string;
  next(event: ChoiceEvent): string;
  /** The last events of an answer that was written to its end. */
  end(): string;
  /** The last events of an answer that broke off. */
  failed(error: ApiError): string;
}

/** The words of an endpoint whose streams are chunks, all of one shape. */
export interface ChunkWords extends Pick<AnswerWords, 'whole'> {
  /** The chunks that say `event`. `isFirst`: nothing of its choice was said before. */
  chunks(heading: Heading, event: ChoiceEvent, isFirst: boolean): object[];
  /** The last chunk, with the usage, for clients that asked for it; null: the usage is unknown. */
  usage(heading: Heading, endings: readonly Ending[]): object | null;
}

/** Who answered, how, and how fast. */
export interface AnswerNote {
  provider: string | null;
  provider_name: string | null;
  /** Everybody who wrote a part of it, in order. */
  providers: readonly string[];
  resumed: boolean;
  /** The model file that wrote its end, by the provider's word; null: the provider does not say. */
  sha256: string | null;
  quant: string | null;
  path: string | null;
  first_token_ms: number | null;
  tokens_per_second: number | null;
  /** In credits; and credits for 1,000 tokens. 0: it was free. */
  cost: number;
  price: number;
}

export function noteOf({ providers, file, receipt, cost, price }: Ending): AnswerNote {
  const provider = providers.at(-1) ?? null;
  const { tokensPerSecond = null } = receipt ?? {};
  return {
    provider,
    provider_name: provider === null ? null : peerName(provider),
    providers,
    resumed: providers.length > 1,
    sha256: file?.sha256 ?? null,
    quant: file?.quant ?? null,
    path: receipt?.path ?? null,
    first_token_ms: receipt === null ? null : Math.round(receipt.firstTokenMs),
    tokens_per_second: tokensPerSecond === null ? null : Math.round(tokensPerSecond * 10) / 10,
    cost: credits(cost),
    price: credits(price),
  };
}

/** The usage of all choices; each prompt has `each` of them. Null where a provider did not say how long a prompt was. */
export function usageOf(endings: readonly Ending[], each = endings.length): CompletionUsage | null {
  let prompt = 0;
  for (let at = 0; at < endings.length; at += each) {
    const told = endings.slice(at, at + each).find(({ promptTokens }) => promptTokens !== null)?.promptTokens;
    if (told === null || told === undefined) return null;
    prompt += told;
  }
  const completion = endings.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  const reasoning = endings.reduce((sum, { reasoningTokens }) => sum + reasoningTokens, 0);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(reasoning > 0 && { completion_tokens_details: { reasoning_tokens: reasoning } }),
  };
}

/** JSON has no −∞. OpenAI writes this for "never". */
const NEVER = -9_999;

export function finite(logprob: number): number {
  return Math.max(logprob, NEVER);
}
