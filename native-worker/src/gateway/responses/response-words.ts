/** Answers of `/v1/responses` in OpenAI's words: whole, and as numbered events. */
import type { Response } from 'openai/resources/responses/responses';
import type { AnswerWords, Heading, StreamWords } from '../answer/answer-words.ts';
import type { Ending } from '../answer/answer.ts';
import type { ChoiceEvent } from '../answer/choice-event.ts';
import { saidEvents } from '../answer/said-events.ts';
import { namedEvent } from '../answer/event-stream.ts';
import type { ApiError } from '../request/api-error.ts';
import { OutputItems, type ItemEvent, type ItemOptions } from './output-items.ts';
import { responseOf, type ResponseHead, type WrittenResponse, type Written } from './response-head.ts';

export interface ResponseWordsOptions extends Pick<ItemOptions, 'newId'> {
  head: ResponseHead;
  /** Hears of a response that was written to its end. */
  written: (response: WrittenResponse) => void;
  /** An error in the words of the request. */
  inOwnWords: (error: ApiError) => ApiError;
}

export function responseWords(options: ResponseWordsOptions): AnswerWords {
  return {
    whole: (heading, said, endings) => {
      const words = new ResponseStream(heading, options);
      for (const event of saidEvents(said[0], heading.model)) words.next(event);
      const [ending] = endings;
      if (ending !== undefined) words.next({ type: 'end', index: 0, ending });
      return words.finished();
    },
    stream: (heading) => new ResponseStream(heading, options),
  };
}

class ResponseStream implements StreamWords {
  readonly #heading: Heading;
  readonly #options: ResponseWordsOptions;
  readonly #items: OutputItems;
  #ending: Ending | null = null;
  #number = 0;

  constructor(heading: Heading, options: ResponseWordsOptions) {
    const { newId, head } = options;
    this.#heading = heading;
    this.#options = options;
    this.#items = new OutputItems({ newId, inSummary: (head.reasoning?.summary ?? null) !== null });
  }

  begin(): string {
    const response = this.#response('in_progress') as Response;
    return this.#events([
      { type: 'response.created', response },
      { type: 'response.in_progress', response },
    ]);
  }

  next(event: ChoiceEvent): string {
    if (event.type !== 'end') return this.#events(this.#items.next(event));
    this.#ending = event.ending;
    return this.#events(this.#items.close(event.ending.finish === 'length' ? 'incomplete' : 'completed'));
  }

  end(): string {
    const response = this.finished() as Response;
    const type = response.status === 'incomplete' ? 'response.incomplete' : 'response.completed';
    return this.#events([{ type, response }]);
  }

  /** The response after its end. */
  finished(): WrittenResponse {
    const response = this.#response(this.#ending?.finish === 'length' ? 'incomplete' : 'completed');
    this.#options.written(response);
    return response;
  }

  failed(thrown: ApiError): string {
    const { error } = this.#options.inOwnWords(thrown).body;
    const { code, message, param } = error;
    const closed = this.#items.close('incomplete');
    const response = this.#response('failed', { code: codeOf(thrown.status), message }) as Response;
    // Some clients break off at `error` only, others at `response.failed` only; both keep an answer from seeming whole.
    const broken = { type: 'error' as const, code, message, param, error };
    return this.#events([...closed, broken, { type: 'response.failed', response }]);
  }

  #response(status: Written['status'], error: Response['error'] = null): WrittenResponse {
    const written = { status, error, output: this.#items.done, ending: this.#ending };
    return responseOf(this.#heading, this.#options.head, written);
  }

  #events(events: readonly ItemEvent[]): string {
    return events.map((event) => namedEvent(event.type, { ...event, sequence_number: this.#number++ })).join('');
  }
}

/** Responses know few codes; the message says the rest. */
function codeOf(status: number): NonNullable<Response['error']>['code'] {
  if (status === 429) return 'rate_limit_exceeded';
  return status < 500 ? 'invalid_prompt' : 'server_error';
}
