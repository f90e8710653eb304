/** The messages of a request, as turns that any model's template knows. */
import * as v from 'valibot';
import { MAX_PROMPT_BYTES, MAX_TURNS, type Turn } from '@llmesh/core/protocol';
import { badRequest, unsupported } from './api-error.ts';
import { checked } from './checked.ts';
import { answerTurn, resultTurn } from './tools.ts';

const MAX_CALLS = 64;
const text = v.pipe(v.string(), v.maxLength(MAX_PROMPT_BYTES));
const ContentSchema = v.union(
  [text, v.pipe(v.array(v.strictObject({ type: v.literal('text'), text })), v.minLength(1), v.maxLength(MAX_TURNS))],
  'Only text can be sent: a string, or parts of type "text".',
);
const CallSchema = v.strictObject({
  id: text,
  type: v.literal('function', 'Only functions can be called.'),
  function: v.strictObject({ name: text, arguments: text }),
});
const MessageSchema = v.variant(
  'role',
  [
    v.strictObject({ role: v.picklist(['system', 'developer', 'user']), content: ContentSchema }),
    v.strictObject({
      role: v.literal('assistant'),
      content: v.optional(ContentSchema),
      tool_calls: v.optional(v.pipe(v.array(CallSchema), v.maxLength(MAX_CALLS)), []),
    }),
    v.strictObject({ role: v.literal('tool'), content: ContentSchema, tool_call_id: text }),
  ],
  'The role is "system", "developer", "user", "assistant" or "tool".',
);
const KNOWN = new Set(['role', 'content', 'tool_calls', 'tool_call_id']);

/** `inForm`: the model is held to the form of answers that may call functions, so it sees its earlier answers in that form. */
export function turnsOf(messages: readonly unknown[], inForm: boolean): Turn[] {
  /** The names of the functions, by the ids of their calls. */
  const called = new Map<string, string>();
  return messages.map((value, index) => {
    const at = `messages[${index}]`;
    const message = parseMessage(value, at);
    switch (message.role) {
      case 'system':
      case 'developer':
        return { role: 'system', content: textOf(message.content) };
      case 'user':
        return { role: 'user', content: textOf(message.content) };
      case 'assistant': {
        const content = message.content === undefined ? '' : textOf(message.content);
        for (const { id, function: call } of message.tool_calls) called.set(id, call.name);
        if (content === '' && message.tool_calls.length === 0) throw badRequest(`${at}.content`, 'It says nothing.');
        const calls = message.tool_calls.map((call) => call.function);
        return inForm || calls.length > 0 ? answerTurn(content, calls) : { role: 'assistant', content };
      }
      case 'tool': {
        const name = called.get(message.tool_call_id);
        if (name === undefined) throw badRequest(`${at}.tool_call_id`, 'No call before it has this id.');
        return resultTurn(name, textOf(message.content));
      }
      default:
        return message satisfies never;
    }
  });
}

/** Adds `system` to what the request itself tells the model. */
export function withSystem(turns: readonly Turn[], system: string): Turn[] {
  const [first, ...rest] = turns;
  if (first?.role !== 'system') return [{ role: 'system', content: system }, ...turns];
  return [{ role: 'system', content: `${first.content}\n\n${system}` }, ...rest];
}

function parseMessage(message: unknown, at: string): v.InferOutput<typeof MessageSchema> {
  if (typeof message !== 'object' || message === null) {
    throw badRequest(at, 'A message is an object with role and content.');
  }
  // Clients that send an answer back fill in what was missing with null, or nothing.
  const entries = Object.entries(message).filter(
    ([, value]) => value !== null && !(Array.isArray(value) && value.length === 0),
  );
  for (const [name] of entries) {
    if (!KNOWN.has(name)) {
      throw unsupported(`${at}.${name}`, `"${name}" of a message cannot be carried out yet. Leave it out.`);
    }
  }
  return checked(MessageSchema, Object.fromEntries(entries), at);
}

function textOf(content: v.InferOutput<typeof ContentSchema>): string {
  return typeof content === 'string' ? content : content.map((part) => part.text).join('');
}
