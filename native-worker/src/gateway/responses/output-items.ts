/** What a model writes, as the items of a response: thoughts, messages and calls, in the order in which they come. */
import type {
  ResponseFunctionToolCall,
  ResponseOutputItem,
  ResponseOutputMessage,
  ResponseOutputText,
  ResponseReasoningItem,
  ResponseStreamEvent,
  ResponseTextDeltaEvent,
} from 'openai/resources/responses/responses';
import type { TokenLogprob } from '@llmesh/core/protocol';
import { finite } from '../answer/answer-words.ts';
import type { ChoiceEvent } from '../answer/choice-event.ts';

type Unnumbered<E> = E extends unknown ? Omit<E, 'sequence_number'> : never;
/** An event of the stream that has no number yet. */
export type ItemEvent = Unnumbered<ResponseStreamEvent>;

type Open =
  | { kind: 'message'; item: ResponseOutputMessage; text: string; logprobs: Logprob[] }
  | { kind: 'reasoning'; item: ResponseReasoningItem; text: string }
  | { kind: 'call'; item: ResponseFunctionToolCall & { id: string }; call: number };
type Logprob = ResponseOutputText.Logprob;
type Status = 'completed' | 'incomplete';

export interface ItemOptions {
  newId: () => string;
  /** Thoughts stand in the summary, as the request asks for one, and not in the content. */
  inSummary: boolean;
}

export class OutputItems {
  /** The items that are complete. */
  readonly done: ResponseOutputItem[] = [];
  readonly #options: ItemOptions;
  #open: Open | null = null;

  constructor(options: ItemOptions) {
    this.#options = options;
  }

  /** The events that say what `event` adds; the end of the answer is `close`. */
  next(event: Exclude<ChoiceEvent, { type: 'end' }>): ItemEvent[] {
    switch (event.type) {
      case 'text':
        return this.#text(event.text, event.logprobs.map(logprobOf));
      case 'thought':
        return this.#thought(event.text);
      case 'call': {
        const { id, name, call } = event;
        const item = { ...this.#started('fc'), type: 'function_call' as const, call_id: id, name, arguments: '' };
        return [...this.close('completed'), ...this.#add({ kind: 'call', item, call })];
      }
      case 'arguments': {
        const open = this.#open;
        if (open?.kind !== 'call' || open.call !== event.call) return [];
        open.item.arguments += event.text;
        return [{ type: 'response.function_call_arguments.delta', ...this.#place(open), delta: event.text }];
      }
      default:
        return event satisfies never;
    }
  }

  /** Ends the item that is being written. */
  close(status: Status): ItemEvent[] {
    const open = this.#open;
    if (open === null) return [];
    const ended = this.#ended(open);
    open.item.status = status;
    const { output_index } = this.#place(open);
    this.done.push(open.item);
    this.#open = null;
    return [...ended, { type: 'response.output_item.done', output_index, item: open.item }];
  }

  #text(text: string, logprobs: Logprob[]): ItemEvent[] {
    let open = this.#open;
    let begun: ItemEvent[] = [];
    if (open?.kind !== 'message') {
      begun = this.close('completed');
      const item = { ...this.#started('msg'), type: 'message' as const, role: 'assistant' as const, content: [] };
      open = { kind: 'message', item, text: '', logprobs: [] };
      begun.push(...this.#add(open));
      begun.push({ type: 'response.content_part.added', ...this.#part(open), part: textPart('', []) });
    }
    open.text += text;
    open.logprobs.push(...logprobs);
    return [
      ...begun,
      { type: 'response.output_text.delta', ...this.#part(open), delta: text, logprobs: logprobs.map(inEvents) },
    ];
  }

  #thought(text: string): ItemEvent[] {
    let open = this.#open;
    let begun: ItemEvent[] = [];
    if (open?.kind !== 'reasoning') {
      begun = this.close('completed');
      open = { kind: 'reasoning', item: { ...this.#started('rs'), type: 'reasoning', summary: [] }, text: '' };
      begun.push(...this.#add(open));
      begun.push(
        this.#options.inSummary
          ? { type: 'response.reasoning_summary_part.added', ...this.#summary(open), part: summaryPart('') }
          : { type: 'response.content_part.added', ...this.#part(open), part: thoughtPart('') },
      );
    }
    open.text += text;
    return [
      ...begun,
      this.#options.inSummary
        ? { type: 'response.reasoning_summary_text.delta', ...this.#summary(open), delta: text }
        : { type: 'response.reasoning_text.delta', ...this.#part(open), delta: text },
    ];
  }

  #ended(open: Open): ItemEvent[] {
    switch (open.kind) {
      case 'message': {
        const { text, logprobs } = open;
        const part = textPart(text, logprobs);
        open.item.content = [part];
        return [
          { type: 'response.output_text.done', ...this.#part(open), text, logprobs: logprobs.map(inEvents) },
          { type: 'response.content_part.done', ...this.#part(open), part },
        ];
      }
      case 'reasoning': {
        const { text } = open;
        if (this.#options.inSummary) {
          open.item.summary = [summaryPart(text)];
          return [
            { type: 'response.reasoning_summary_text.done', ...this.#summary(open), text },
            { type: 'response.reasoning_summary_part.done', ...this.#summary(open), part: summaryPart(text) },
          ];
        }
        open.item.content = [thoughtPart(text)];
        return [
          { type: 'response.reasoning_text.done', ...this.#part(open), text },
          { type: 'response.content_part.done', ...this.#part(open), part: thoughtPart(text) },
        ];
      }
      case 'call': {
        const { name, arguments: json } = open.item;
        return [{ type: 'response.function_call_arguments.done', ...this.#place(open), name, arguments: json }];
      }
      default:
        return open satisfies never;
    }
  }

  #started(kind: string): { id: string; status: 'in_progress' } {
    return { id: `${kind}_${this.#options.newId()}`, status: 'in_progress' };
  }

  #add(open: Open): ItemEvent[] {
    this.#open = open;
    const { output_index } = this.#place(open);
    return [{ type: 'response.output_item.added', output_index, item: { ...open.item } }];
  }

  #place({ item }: Open): { item_id: string; output_index: number } {
    return { item_id: item.id, output_index: this.done.length };
  }

  #part(open: Open): { item_id: string; output_index: number; content_index: number } {
    return { ...this.#place(open), content_index: 0 };
  }

  #summary(open: Open): { item_id: string; output_index: number; summary_index: number } {
    return { ...this.#place(open), summary_index: 0 };
  }
}

function textPart(text: string, logprobs: Logprob[]): ResponseOutputText {
  return { type: 'output_text', text, annotations: [], logprobs };
}

function thoughtPart(text: string) {
  return { type: 'reasoning_text' as const, text };
}

function summaryPart(text: string) {
  return { type: 'summary_text' as const, text };
}

function logprobOf({ text, logprob, top }: TokenLogprob): Logprob {
  return { ...likely(text, logprob), top_logprobs: top.map((one) => likely(one.text, one.logprob)) };
}

/** Events say less than items do. */
function inEvents({ token, logprob, top_logprobs: top }: Logprob): ResponseTextDeltaEvent.Logprob {
  return { token, logprob, top_logprobs: top.map((one) => ({ token: one.token, logprob: one.logprob })) };
}

function likely(token: string, logprob: number): ResponseOutputText.Logprob.TopLogprob {
  return { token, logprob: finite(logprob), bytes: [...new TextEncoder().encode(token)] };
}
