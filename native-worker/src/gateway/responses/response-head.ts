/** The response as an object, at any stage: what was asked, and what was written so far. */
import type { Response, ResponseOutputItem, ResponseUsage } from 'openai/resources/responses/responses';
import { noteOf, usageOf, type AnswerNote, type Heading } from '../answer/answer-words.ts';
import type { Ending } from '../answer/answer.ts';

/** What a response says about its request, from the first event on. */
export type ResponseHead = Required<
  Pick<
    Response,
    | ('instructions' | 'metadata' | 'max_output_tokens' | 'parallel_tool_calls' | 'previous_response_id')
    | ('reasoning' | 'temperature' | 'top_p' | 'text' | 'tool_choice' | 'tools' | 'truncation' | 'background')
  >
>;

/** `output_text` is made by clients. */
export type WrittenResponse = Omit<Response, 'output_text'> & { llmesh?: AnswerNote };

export interface Written {
  status: 'in_progress' | 'completed' | 'incomplete' | 'failed';
  output: readonly ResponseOutputItem[];
  /** Null: it did not come to its end. */
  ending: Ending | null;
  error: Response['error'];
}

export function responseOf({ id, created, model }: Heading, head: ResponseHead, written: Written): WrittenResponse {
  const { status, output, ending, error } = written;
  const usage = ending === null ? null : usageIn(ending);
  return {
    id,
    object: 'response',
    created_at: created,
    status,
    error,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    model: ending?.model ?? model,
    output: [...output],
    ...head,
    ...(usage !== null && { usage }),
    ...(ending !== null && { llmesh: noteOf(ending) }),
  };
}

function usageIn(ending: Ending): ResponseUsage | null {
  const usage = usageOf([ending]);
  if (usage === null) return null;
  return {
    input_tokens: usage.prompt_tokens,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: usage.completion_tokens,
    output_tokens_details: { reasoning_tokens: usage.completion_tokens_details?.reasoning_tokens ?? 0 },
    total_tokens: usage.total_tokens,
  };
}
