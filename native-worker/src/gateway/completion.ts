/** Answers in OpenAI's words: whole, and in chunks. What only a mesh can tell stands under `llmesh`. */
import type { ChatCompletion, ChatCompletionChunk } from 'openai/resources/chat/completions';
import type { CompletionUsage } from 'openai/resources/completions';
import { peerName } from '@llmesh/core/names';
import type { Ending } from './answer.ts';
import type { ToolCall } from './tools.ts';

/** Who answered, how, and how fast. */
export interface AnswerNote {
  provider: string | null;
  provider_name: string | null;
  /** Everybody who wrote at it, in their order. */
  providers: readonly string[];
  resumed: boolean;
  path: string | null;
  first_token_ms: number | null;
  tokens_per_second: number | null;
}

/** What all chunks of one answer, and the answer itself, begin with. */
export interface Heading {
  id: string;
  /** Seconds since 1970. */
  created: number;
  model: string;
}

type Noted<T> = T & { llmesh: AnswerNote };
export type Completion = Omit<ChatCompletion, 'choices'> & { choices: Noted<ChatCompletion.Choice>[] };
export type Chunk = Omit<ChatCompletionChunk, 'choices'> & {
  choices: (ChatCompletionChunk.Choice & { llmesh?: AnswerNote })[];
};

/** What one choice came to. */
export interface Said {
  text: string;
  calls: ToolCall[];
}

export function completionOf(heading: Heading, said: readonly Said[], endings: readonly Ending[]): Completion {
  const usage = usageOf(endings);
  return {
    ...heading,
    object: 'chat.completion',
    choices: endings.map((ending, index) => ({
      index,
      message: messageOf(said[index]),
      finish_reason: ending.finish,
      logprobs: null,
      llmesh: noteOf(ending),
    })),
    ...(usage !== null && { usage }),
  };
}

function messageOf({ text, calls }: Said = { text: '', calls: [] }): ChatCompletion.Choice['message'] {
  if (calls.length === 0) return { role: 'assistant', content: text, refusal: null };
  const called = calls.map(({ id, name, arguments: json }) => ({
    ...{ id, type: 'function' as const },
    function: { name, arguments: json },
  }));
  return { role: 'assistant', content: null, refusal: null, tool_calls: called };
}

type ChunkChoice = Chunk['choices'][number];

export function chunkOf(heading: Heading, index: number, delta: ChunkChoice['delta'], ending: Ending | null): Chunk {
  const choice = { index, delta, finish_reason: ending?.finish ?? null, logprobs: null };
  return {
    ...heading,
    object: 'chat.completion.chunk',
    choices: [ending === null ? choice : { ...choice, llmesh: noteOf(ending) }],
  };
}

/** The last one, for whoever asked for it. */
export function usageChunk(heading: Heading, usage: CompletionUsage): Chunk {
  return { ...heading, object: 'chat.completion.chunk', choices: [], usage };
}

/** Null where it is not known: of an answer that was cut at a stop sequence nobody said how long the question was. */
export function usageOf(endings: readonly Ending[]): CompletionUsage | null {
  const prompt = endings.find(({ receipt }) => receipt !== null && receipt.promptTokens > 0)?.receipt?.promptTokens;
  if (prompt === undefined) return null;
  const completion = endings.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

function noteOf({ providers, receipt }: Ending): AnswerNote {
  const provider = providers.at(-1) ?? null;
  const { tokensPerSecond = null } = receipt ?? {};
  return {
    provider,
    provider_name: provider === null ? null : peerName(provider),
    providers,
    resumed: providers.length > 1,
    path: receipt?.path ?? null,
    first_token_ms: receipt === null ? null : Math.round(receipt.firstTokenMs),
    tokens_per_second: tokensPerSecond === null ? null : Math.round(tokensPerSecond * 10) / 10,
  };
}
