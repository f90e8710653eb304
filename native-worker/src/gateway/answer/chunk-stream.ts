/** A streamed answer as chunks, then its usage where that was asked for, then `[DONE]`. */
import type { ApiError } from '../request/api-error.ts';
import type { AnswerWords, ChunkWords, Heading, StreamWords } from './answer-words.ts';
import type { Ending } from './answer.ts';
import type { ChoiceEvent } from './choice-event.ts';
import { dataEvent } from './event-stream.ts';

export function inChunks(words: ChunkWords, includeUsage: boolean): AnswerWords {
  return {
    whole: (heading, said, endings) => words.whole(heading, said, endings),
    stream: (heading) => new ChunkStream(heading, words, includeUsage),
  };
}

class ChunkStream implements StreamWords {
  readonly #heading: Heading;
  readonly #words: ChunkWords;
  readonly #includeUsage: boolean;
  readonly #begun = new Set<number>();
  readonly #endings: Ending[] = [];

  constructor(heading: Heading, words: ChunkWords, includeUsage: boolean) {
    this.#heading = heading;
    this.#words = words;
    this.#includeUsage = includeUsage;
  }

  begin(): string {
    return '';
  }

  next(event: ChoiceEvent): string {
    const { index } = event;
    const model = event.type === 'end' ? event.ending.model : event.model;
    const isFirst = !this.#begun.has(index);
    this.#begun.add(index);
    if (event.type === 'end') this.#endings[index] = event.ending;
    const chunks = this.#words.chunks({ ...this.#heading, model }, event, isFirst);
    return chunks.map((chunk) => this.#event(chunk)).join('');
  }

  end(): string {
    const model = this.#endings[0]?.model ?? this.#heading.model;
    const usage = this.#includeUsage ? this.#words.usage({ ...this.#heading, model }, this.#endings) : null;
    return `${usage === null ? '' : dataEvent(usage)}${dataEvent('[DONE]')}`;
  }

  failed(error: ApiError): string {
    return dataEvent(error.body);
  }

  /** Each chunk says, as OpenAI's do, that the usage comes at the end. */
  #event(chunk: object): string {
    return dataEvent(this.#includeUsage ? { ...chunk, usage: null } : chunk);
  }
}
