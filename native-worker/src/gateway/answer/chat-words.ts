/** Answers of `/v1/chat/completions` in OpenAI's words: whole, and in chunks. */
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionTokenLogprob,
} from 'openai/resources/chat/completions';
import type { TokenLogprob } from '@llmesh/core/protocol';
import { finite, noteOf, usageOf, type AnswerNote, type ChunkWords, type Heading, type Said } from './answer-words.ts';
import type { ChoiceEvent } from './choice-event.ts';

type Completion = Omit<ChatCompletion, 'choices'> & { choices: (ChatCompletion.Choice & { llmesh: AnswerNote })[] };
type Chunk = Omit<ChatCompletionChunk, 'choices'> & {
  choices: (ChatCompletionChunk.Choice & { llmesh?: AnswerNote })[];
};
/** Thoughts have the name that other servers of open models gave them; OpenAI's API has none. */
type Delta = ChatCompletionChunk.Choice.Delta & { reasoning_content?: string };
type Message = ChatCompletion.Choice['message'] & { reasoning_content?: string };

/** `tells`: how likely each token was. */
export function chatWords(tells: boolean): ChunkWords {
  const logprobs = (odds: readonly TokenLogprob[]) => (tells ? { content: odds.map(logprobOf), refusal: null } : null);
  return {
    whole: (heading, said, endings): Completion => {
      const usage = usageOf(endings);
      return {
        ...heading,
        object: 'chat.completion',
        choices: endings.map((ending, index) => ({
          index,
          message: messageOf(said[index]),
          finish_reason: ending.finish,
          logprobs: logprobs(said[index]?.logprobs ?? []),
          llmesh: noteOf(ending),
        })),
        ...(usage !== null && { usage }),
      };
    },
    chunks: (heading, event, isFirst) => {
      const { index } = event;
      const first = isFirst ? [chunkOf(heading, { index, delta: OPENING, finish_reason: null, logprobs: null })] : [];
      const choice = { index, delta: deltaOf(event) };
      return event.type === 'end'
        ? [
            ...first,
            chunkOf(heading, {
              ...choice,
              finish_reason: event.ending.finish,
              logprobs: null,
              llmesh: noteOf(event.ending),
            }),
          ]
        : [
            ...first,
            chunkOf(heading, {
              ...choice,
              finish_reason: null,
              logprobs: event.type === 'text' ? logprobs(event.logprobs) : null,
            }),
          ];
    },
    usage: (heading, endings): Chunk | null => {
      const usage = usageOf(endings);
      return usage === null ? null : { ...heading, object: 'chat.completion.chunk', choices: [], usage };
    },
  };
}

const OPENING: Delta = { role: 'assistant', content: '' };
/** A token that is only a part of a character. */
const REPLACEMENT = '\ufffd';

function chunkOf(heading: Heading, choice: Chunk['choices'][number]): Chunk {
  return { ...heading, object: 'chat.completion.chunk', choices: [choice] };
}

const NOTHING: Said = { text: '', thoughts: '', calls: [], logprobs: [] };

function messageOf({ text, thoughts, calls }: Said = NOTHING): Message {
  const reasoning = thoughts === '' ? {} : { reasoning_content: thoughts };
  if (calls.length === 0) return { role: 'assistant', content: text, refusal: null, ...reasoning };
  const called = calls.map(({ id, name, arguments: json }) => ({
    id,
    type: 'function' as const,
    function: { name, arguments: json },
  }));
  return { role: 'assistant', content: text === '' ? null : text, refusal: null, ...reasoning, tool_calls: called };
}

function deltaOf(event: ChoiceEvent): Delta {
  switch (event.type) {
    case 'text':
      return { content: event.text };
    case 'thought':
      return { reasoning_content: event.text };
    case 'call': {
      const { call: index, id, name } = event;
      return { tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] };
    }
    case 'arguments':
      return { tool_calls: [{ index: event.call, function: { arguments: event.text } }] };
    case 'end':
      return {};
    default:
      return event satisfies never;
  }
}

function logprobOf({ text, logprob, top }: TokenLogprob): ChatCompletionTokenLogprob {
  return {
    ...likely(text, logprob),
    top_logprobs: top.map((one) => likely(one.text, one.logprob)),
  };
}

function likely(text: string, logprob: number): ChatCompletionTokenLogprob.TopLogprob {
  const bytes = text.includes(REPLACEMENT) ? null : [...new TextEncoder().encode(text)];
  return { token: text, logprob: finite(logprob), bytes };
}
