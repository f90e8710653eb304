/** What a model writes, as the blocks of a message: thoughts, text and calls, in the order in which they come. */
import type {
  ContentBlock,
  RawContentBlockDelta,
  RawContentBlockDeltaEvent,
  RawContentBlockStartEvent,
  RawContentBlockStopEvent,
  TextBlock,
  ThinkingBlock,
  ToolUseBlock,
} from '@anthropic-ai/sdk/resources/messages';
import type { ChoiceEvent } from '../answer/choice-event.ts';

/** Clients send thoughts back only with a signature. Nobody signs them here, and nobody checks: it says just that. */
const UNSIGNED = 'unsigned';

export type BlockEvent = RawContentBlockStartEvent | RawContentBlockDeltaEvent | RawContentBlockStopEvent;

type Open =
  | { kind: 'thinking'; block: ThinkingBlock }
  | { kind: 'text'; block: TextBlock }
  | { kind: 'call'; block: ToolUseBlock; call: number; json: string };

export class MessageBlocks {
  /** The blocks that are complete. */
  readonly done: ContentBlock[] = [];
  #open: Open | null = null;
  /** How many blocks were begun. */
  #begun = 0;

  /** The events that say what `event` adds; the end of the message is `close`. */
  next(event: Exclude<ChoiceEvent, { type: 'end' }>): BlockEvent[] {
    switch (event.type) {
      case 'text': {
        const [open, begun] = this.#opened('text', () => ({ type: 'text', text: '', citations: null }));
        open.block.text += event.text;
        return [...begun, this.#delta({ type: 'text_delta', text: event.text })];
      }
      case 'thought': {
        const [open, begun] = this.#opened('thinking', () => ({ type: 'thinking', thinking: '', signature: '' }));
        open.block.thinking += event.text;
        return [...begun, this.#delta({ type: 'thinking_delta', thinking: event.text })];
      }
      case 'call': {
        const { id, name, call } = event;
        const block: ToolUseBlock = { type: 'tool_use', id, name, input: {}, caller: { type: 'direct' } };
        return [...this.close(), this.#begin({ kind: 'call', block, call, json: '' })];
      }
      case 'arguments': {
        if (this.#open?.kind !== 'call' || this.#open.call !== event.call) return [];
        this.#open.json += event.text;
        return [this.#delta({ type: 'input_json_delta', partial_json: event.text })];
      }
      default:
        return event satisfies never;
    }
  }

  /** Ends the block that is being written. */
  close(): BlockEvent[] {
    const open = this.#open;
    if (open === null) return [];
    const signed: BlockEvent[] = [];
    if (open.kind === 'thinking') {
      open.block.signature = UNSIGNED;
      signed.push(this.#delta({ type: 'signature_delta', signature: UNSIGNED }));
    }
    this.#open = null;
    if (open.kind !== 'call') this.done.push(open.block);
    else {
      const input = inputOf(open.json);
      // A call that was cut off must not be carried out with half of its input.
      if (input !== null) this.done.push({ ...open.block, input });
    }
    return [...signed, { type: 'content_block_stop', index: this.#begun - 1 }];
  }

  #opened<Kind extends 'text' | 'thinking'>(
    kind: Kind,
    make: () => Extract<Open, { kind: Kind }>['block'],
  ): [Extract<Open, { kind: Kind }>, BlockEvent[]] {
    if (isOf(this.#open, kind)) return [this.#open, []];
    const closed = this.close();
    const open = { kind, block: make() } as Extract<Open, { kind: Kind }>;
    return [open, [...closed, this.#begin(open)]];
  }

  #begin(open: Open): BlockEvent {
    this.#open = open;
    this.#begun += 1;
    return { type: 'content_block_start', index: this.#begun - 1, content_block: { ...open.block } };
  }

  #delta(delta: RawContentBlockDelta): BlockEvent {
    return { type: 'content_block_delta', index: this.#begun - 1, delta };
  }
}

function isOf<Kind extends Open['kind']>(open: Open | null, kind: Kind): open is Extract<Open, { kind: Kind }> {
  return open?.kind === kind;
}

/** Null: it is not JSON, as the answer was cut in it. */
function inputOf(json: string): unknown {
  if (json === '') return {};
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
