/** The events of a streamed answer, as text: chunks, then its usage where that was asked for, then `[DONE]`. */
import type { AsyncQueue } from '@llmesh/core/queue';
import type { Ending } from './answer.ts';
import { asApiError } from './api-error.ts';
import type { ChoiceEvent } from './choices.ts';
import { chunkOf, usageChunk, usageOf, type Chunk, type Heading } from './completion.ts';
import { dataEvent } from './event-stream.ts';

export class ChunkWriter {
  readonly #events: AsyncQueue<ChoiceEvent>;
  readonly #heading: Heading;
  readonly #includeUsage: boolean;
  readonly #begun = new Set<number>();
  readonly #endings: Ending[] = [];
  #done = false;

  constructor(events: AsyncQueue<ChoiceEvent>, heading: Heading, includeUsage: boolean) {
    this.#events = events;
    this.#heading = heading;
    this.#includeUsage = includeUsage;
  }

  /** All that there is to send now; null after the end. Never rejects: an error is the last event. */
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
      const usage = this.#includeUsage ? usageOf(this.#endings) : null;
      const last = usage === null ? '' : dataEvent(usageChunk(this.#headingFor(this.#endings[0]), usage));
      return `${last}${dataEvent('[DONE]')}`;
    } catch (thrown) {
      this.#done = true;
      return dataEvent(asApiError(thrown).body);
    }
  }

  #chunks(event: ChoiceEvent): Chunk[] {
    const { index } = event;
    const model = event.type === 'end' ? event.ending.model : event.model;
    const heading = { ...this.#heading, model };
    const first = this.#begun.has(index) ? [] : [chunkOf(heading, index, { role: 'assistant', content: '' }, null)];
    this.#begun.add(index);
    if (event.type === 'end') this.#endings.push(event.ending);
    return [...first, chunkOf(heading, index, deltaOf(event), event.type === 'end' ? event.ending : null)];
  }

  /** As OpenAI's do, each says of the usage that it comes at the end. */
  #event(chunk: Chunk): string {
    return dataEvent(this.#includeUsage ? { ...chunk, usage: null } : chunk);
  }

  #headingFor(ending: Ending | undefined): Heading {
    return { ...this.#heading, ...(ending !== undefined && { model: ending.model }) };
  }
}

function deltaOf(event: ChoiceEvent): Chunk['choices'][number]['delta'] {
  switch (event.type) {
    case 'text':
      return { content: event.text };
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
