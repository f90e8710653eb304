/** The events of a streamed answer, as text: chunks, then its usage where that was asked for, then `[DONE]`. */
import type { AsyncQueue } from '@llmesh/core/base/queue';
import type { Ending } from './answer.ts';
import { asApiError } from '../request/api-error.ts';
import type { ChoiceEvent } from './choice-event.ts';
import type { AnswerWords, Heading } from './answer-words.ts';
import { dataEvent } from './event-stream.ts';

export class ChunkWriter {
  readonly #events: AsyncQueue<ChoiceEvent>;
  readonly #heading: Heading;
  readonly #words: AnswerWords;
  readonly #includeUsage: boolean;
  readonly #begun = new Set<number>();
  readonly #endings: Ending[] = [];
  #done = false;

  constructor(events: AsyncQueue<ChoiceEvent>, heading: Heading, words: AnswerWords, includeUsage: boolean) {
    this.#events = events;
    this.#heading = heading;
    this.#words = words;
    this.#includeUsage = includeUsage;
  }

  /** Everything that can be sent now; null after the end. Never rejects: an error is the last event. */
  async next(): Promise<string | null> {
    if (this.#done) return null;
    try {
      const batch = await this.#events.take();
      if (batch !== null)
        return batch
          .flatMap((event) => this.#chunks(event))
          .map((chunk) => this.#event(chunk))
          .join('');
      this.#done = true;
      const heading = this.#headingFor(this.#endings[0]);
      const usage = this.#includeUsage ? this.#words.usage(heading, this.#endings) : null;
      const last = usage === null ? '' : dataEvent(usage);
      return `${last}${dataEvent('[DONE]')}`;
    } catch (thrown) {
      this.#done = true;
      return dataEvent(asApiError(thrown).body);
    }
  }

  #chunks(event: ChoiceEvent): object[] {
    const { index } = event;
    const model = event.type === 'end' ? event.ending.model : event.model;
    const heading = { ...this.#heading, model };
    const isFirst = !this.#begun.has(index);
    this.#begun.add(index);
    if (event.type === 'end') this.#endings[index] = event.ending;
    return this.#words.chunks(heading, event, isFirst);
  }

  /** Each chunk says, as OpenAI's do, that the usage comes at the end. */
  #event(chunk: object): string {
    return dataEvent(this.#includeUsage ? { ...chunk, usage: null } : chunk);
  }

  #headingFor(ending: Ending | undefined): Heading {
    return { ...this.#heading, ...(ending !== undefined && { model: ending.model }) };
  }
}
