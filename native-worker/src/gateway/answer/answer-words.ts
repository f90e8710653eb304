/** What every form of an answer says: who wrote it, how fast, what it took. What only a mesh can tell stands under `llmesh`. */
import type { CompletionUsage } from 'openai/resources/completions';
import { peerName } from '@llmesh/core/identity/names';
import type { TokenLogprob } from '@llmesh/core/protocol';
import type { Ending } from './answer.ts';
import type { ChoiceEvent } from './choices.ts';
import type { ToolCall } from '../request/tools.ts';

/** What all chunks of one answer, and the answer itself, begin with. */
export interface Heading {
  id: string;
  /** Seconds since 1970. */
  created: number;
  model: string;
}

/** What one choice came to. */
export interface Said {
  text: string;
  calls: ToolCall[];
  logprobs: TokenLogprob[];
}

/** How answers read at one endpoint. */
export interface AnswerWords {
  whole(heading: Heading, said: readonly Said[], endings: readonly Ending[]): object;
  /** The chunks that say `event`. `isFirst`: nothing of its choice was said before. */
  chunks(heading: Heading, event: ChoiceEvent, isFirst: boolean): object[];
  /** The last one, for whoever asked for it; null: nobody said what it took. */
  usage(heading: Heading, endings: readonly Ending[]): object | null;
}

/** Who answered, how, and how fast. */
export interface AnswerNote {
  provider: string | null;
  provider_name: string | null;
  /** Everybody who wrote at it, in their order. */
  providers: readonly string[];
  resumed: boolean;
  /** The file that wrote the end of it, as its provider says; null: it does not say. */
  sha256: string | null;
  quant: string | null;
  path: string | null;
  first_token_ms: number | null;
  tokens_per_second: number | null;
}

export function noteOf({ providers, file, receipt }: Ending): AnswerNote {
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
  };
}

/** Of all choices, `each` of them to a prompt of its own. Null where a provider did not say how long a prompt was. */
export function usageOf(endings: readonly Ending[], each = endings.length): CompletionUsage | null {
  let prompt = 0;
  for (let at = 0; at < endings.length; at += each) {
    const told = endings.slice(at, at + each).find(({ promptTokens }) => promptTokens !== null)?.promptTokens;
    if (told === null || told === undefined) return null;
    prompt += told;
  }
  const completion = endings.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

/** JSON knows no −∞. OpenAI writes this for "never". */
const NEVER = -9_999;

export function finite(logprob: number): number {
  return Math.max(logprob, NEVER);
}
