/** Answers of `/v1/messages` in Anthropic's words: whole, and as events. */
import type {
  Message,
  MessageDeltaUsage,
  RawMessageStreamEvent,
  StopReason,
} from '@anthropic-ai/sdk/resources/messages';
import { noteOf, usageOf, type AnswerWords, type Heading, type StreamWords } from '../answer/answer-words.ts';
import type { Ending } from '../answer/answer.ts';
import type { ChoiceEvent } from '../answer/choice-event.ts';
import { saidEvents } from '../answer/said-events.ts';
import { namedEvent } from '../answer/event-stream.ts';
import type { ApiError } from '../request/api-error.ts';
import { MessageBlocks } from './message-blocks.ts';
import { messageError } from './message-error.ts';

export interface MessageWordsOptions {
  /** Whether the client wants to see what the model thinks. */
  showsThoughts: boolean;
  /** An error in the words of the request. */
  inOwnWords: (error: ApiError) => ApiError;
  requestId: string;
}

export function messageWords(options: MessageWordsOptions): AnswerWords {
  return {
    whole: (heading, said, endings) => {
      const words = new MessageStream(heading, options);
      for (const event of saidEvents(said[0], heading.model)) words.next(event);
      const [ending] = endings;
      if (ending !== undefined) words.next({ type: 'end', index: 0, ending });
      return words.message;
    },
    stream: (heading) => new MessageStream(heading, options),
  };
}

class MessageStream implements StreamWords {
  readonly #heading: Heading;
  readonly #options: MessageWordsOptions;
  readonly #blocks = new MessageBlocks();
  #ending: Ending | null = null;

  constructor(heading: Heading, options: MessageWordsOptions) {
    this.#heading = heading;
    this.#options = options;
  }

  /** The message as far as it was written. */
  get message(): Message {
    const [ending, usage] = [this.#ending, this.#usage()];
    return {
      id: this.#heading.id,
      type: 'message',
      role: 'assistant',
      model: ending?.model ?? this.#heading.model,
      content: [...this.#blocks.done],
      stop_reason: ending === null ? null : reasonOf(ending),
      stop_sequence: ending?.stoppedAt ?? null,
      stop_details: null,
      container: null,
      diagnostics: null,
      usage: {
        ...usage,
        input_tokens: usage.input_tokens ?? 0,
        cache_creation: null,
        inference_geo: null,
        service_tier: null,
        speed: null,
      },
      ...(ending !== null && { llmesh: noteOf(ending) }),
    };
  }

  begin(): string {
    return this.#events([{ type: 'message_start', message: this.message }]) + namedEvent('ping', { type: 'ping' });
  }

  next(event: ChoiceEvent): string {
    if (event.type === 'thought' && !this.#options.showsThoughts) return '';
    if (event.type !== 'end') return this.#events(this.#blocks.next(event));
    this.#ending = event.ending;
    return this.#events(this.#blocks.close());
  }

  end(): string {
    const { stop_reason, stop_sequence, stop_details, container } = this.message;
    const delta = { stop_reason, stop_sequence, stop_details, container };
    const note = this.#ending === null ? {} : { llmesh: noteOf(this.#ending) };
    return this.#events([{ type: 'message_delta', delta, usage: this.#usage(), ...note }, { type: 'message_stop' }]);
  }

  failed(error: ApiError): string {
    return namedEvent('error', messageError(this.#options.inOwnWords(error), this.#options.requestId));
  }

  #usage(): MessageDeltaUsage {
    const usage = this.#ending === null ? null : usageOf([this.#ending]);
    const thinking = usage?.completion_tokens_details?.reasoning_tokens;
    return {
      input_tokens: usage?.prompt_tokens ?? null,
      output_tokens: this.#ending?.completionTokens ?? 0,
      output_tokens_details: thinking === undefined ? null : { thinking_tokens: thinking },
      cache_creation_input_tokens: null,
      cache_read_input_tokens: null,
      server_tool_use: null,
    };
  }

  #events(events: readonly RawMessageStreamEvent[]): string {
    return events.map((event) => namedEvent(event.type, event)).join('');
  }
}

function reasonOf({ finish, stoppedAt }: Ending): StopReason {
  if (finish === 'length') return 'max_tokens';
  if (finish === 'tool_calls') return 'tool_use';
  return stoppedAt === null ? 'end_turn' : 'stop_sequence';
}
