/** The input of a response: items that clients write, and those that they send back, as messages of a chat. */
import * as v from 'valibot';
import { badRequest, unsupported } from '../request/api-error.ts';
import { checked } from '../request/checked.ts';
import type { ToldMessage } from '../request/retold.ts';

const text = v.string();
const texts = v.optional(v.nullable(v.array(v.looseObject({ text }))), []);
const ReasoningSchema = v.looseObject({ summary: texts, content: texts });
const CallSchema = v.looseObject({ call_id: text, name: text, arguments: text });
const ResultSchema = v.looseObject({ call_id: text, output: v.optional(v.unknown()) });
const MessageSchema = v.looseObject({
  role: v.picklist(
    ['system', 'developer', 'user', 'assistant'],
    'The role is "system", "developer", "user" or "assistant".',
  ),
  // Its parts have the names that chats know, too.
  content: v.unknown(),
});

/** An item with all that it may be known by. */
export interface InputItem {
  type?: unknown;
  id?: unknown;
  role?: unknown;
}

/** Throws an `ApiError` that names the item which cannot be read. */
export function toldInput(items: readonly (readonly [item: unknown, origin: string])[]): ToldMessage[] {
  const told = new Telling();
  for (const [item, origin] of items) told.add(item, origin);
  return told.messages;
}

/** Null: the item is no reference to another. */
export function referenceOf(item: unknown): string | null {
  if (typeof item !== 'object' || item === null) return null;
  const { type, id, role } = item as InputItem;
  const refers = type === 'item_reference' || ((type === undefined || type === null) && role === undefined);
  return refers && typeof id === 'string' ? id : null;
}

class Telling {
  readonly messages: ToldMessage[] = [];

  add(item: unknown, origin: string): void {
    if (typeof item !== 'object' || item === null) throw badRequest(origin, `"${origin}" is an item: an object.`);
    const { type = 'message' } = item as InputItem;
    switch (type) {
      case null:
      case 'message':
        return this.#message(checked(MessageSchema, item, origin), origin);
      case 'reasoning':
        return this.#reasoning(checked(ReasoningSchema, item, origin), origin);
      case 'function_call':
        return this.#call(checked(CallSchema, item, origin), origin);
      case 'function_call_output': {
        const { call_id, output } = checked(ResultSchema, item, origin);
        this.messages.push({ message: { role: 'tool', tool_call_id: call_id, content: output }, origin });
        return;
      }
      default:
        throw unsupported(
          `${origin}.type`,
          `This mesh does not know items of the type ${JSON.stringify(type).slice(0, 64)}. It reads messages, reasoning, function calls and their outputs.`,
        );
    }
  }

  #message({ role, content }: v.InferOutput<typeof MessageSchema>, origin: string): void {
    if (role !== 'assistant') {
      this.messages.push({ message: { role, content: content }, origin });
      return;
    }
    const open = this.#openAnswer();
    if (open !== null && open.content === undefined && open.tool_calls === undefined) open.content = content;
    else this.messages.push({ message: { role, content: content }, origin });
  }

  #reasoning({ summary, content }: v.InferOutput<typeof ReasoningSchema>, origin: string): void {
    const said = content === null || content.length === 0 ? (summary ?? []) : content;
    const thoughts = said.map((part) => part.text).join('\n\n');
    if (thoughts === '') return;
    this.messages.push({ message: { role: 'assistant', reasoning_content: thoughts }, origin });
  }

  #call({ call_id: id, name, arguments: json }: v.InferOutput<typeof CallSchema>, origin: string): void {
    const call = { id, type: 'function', function: { name, arguments: json } };
    const open = this.#openAnswer();
    if (open === null) this.messages.push({ message: { role: 'assistant', tool_calls: [call] }, origin });
    else (open.tool_calls ??= []).push(call);
  }

  /** One answer of a model is several items, which follow each other. */
  #openAnswer(): ToldMessage['message'] | null {
    const last = this.messages.at(-1)?.message;
    return last?.role === 'assistant' ? last : null;
  }
}
