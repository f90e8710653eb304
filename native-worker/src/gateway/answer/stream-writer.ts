/** The events of a streamed answer, as text, in the order in which they come. */
import type { AsyncQueue } from '@llmesh/core/base/queue';
import { asApiError } from '../request/api-error.ts';
import type { StreamWords } from './answer-words.ts';
import type { ChoiceEvent } from './choice-event.ts';

export class StreamWriter {
  readonly #events: AsyncQueue<ChoiceEvent>;
  readonly #words: StreamWords;
  #is: 'new' | 'begun' | 'done' = 'new';

  constructor(events: AsyncQueue<ChoiceEvent>, words: StreamWords) {
    this.#events = events;
    this.#words = words;
  }

  /** Everything that can be sent now, never empty; null after the end. Never rejects: an error is the last event. */
  async next(): Promise<string | null> {
    while (this.#is !== 'done') {
      const text = await this.#more();
      if (text !== '') return text;
    }
    return null;
  }

  async #more(): Promise<string> {
    if (this.#is === 'new') {
      this.#is = 'begun';
      return this.#words.begin();
    }
    try {
      const batch = await this.#events.take();
      if (batch !== null) return batch.map((event) => this.#words.next(event)).join('');
      this.#is = 'done';
      return this.#words.end();
    } catch (thrown) {
      this.#is = 'done';
      return this.#words.failed(asApiError(thrown));
    }
  }
}
