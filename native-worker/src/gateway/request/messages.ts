/**
 * The messages of a request as turns, with all that a model may want to know of them: who called which function, what that
 * returned, what was thought. A history is taken as programs keep it. What a server once sent along changes nothing when it
 * comes back; what would have to be read, and cannot be, is refused.
 */
import { MAX_CALLS, MAX_TURNS, type Call, type Turn } from '@llmesh/core/protocol';
import { badRequest, unsupported } from './api-error.ts';
import { CallHistory } from './call-history.ts';
import { contentOf, isObject, resultOf, type Content } from './message-content.ts';

type Message = Record<string, unknown>;

/** Pictures, sounds and files beside the text, where some programs put them. */
const MEDIA = ['audio', 'attachments', 'documents', 'file_ids', 'files', 'images', 'image_url', 'videos'] as const;
/** The names that are read: one that only looks like these is a mistake that would change what the model hears. */
const READ = ['role', 'content', 'tool_calls', 'tool_call_id', 'function_call'] as const;
const SIMPLE_NAMES: ReadonlyMap<string, string> = new Map(READ.map((name) => [simple(name), name]));

/** Throws an `ApiError` that names the place. */
export function turnsOf(messages: unknown): Turn[] {
  if (messages === undefined) {
    throw badRequest('messages', '"messages" is missing: it is a list of messages.', 'missing_required_parameter');
  }
  if (!Array.isArray(messages) || messages.length === 0) {
    throw badRequest('messages', '"messages" is a list of one message or more, each with "role" and "content".');
  }
  if (messages.length > MAX_TURNS) {
    const [most, these] = [MAX_TURNS.toLocaleString('en'), messages.length.toLocaleString('en')];
    throw badRequest('messages', `Up to ${most} messages can be sent; these are ${these}. Leave the oldest out.`);
  }
  const calls = new CallHistory();
  const turns = messages.map((message: unknown, index) => turnOf(message, `messages[${index}]`, calls));
  // Some programs put the answer that they wait for at the end, still empty.
  while (isEmptyAnswer(turns.at(-1))) turns.pop();
  return turns;
}

/** Adds `system` to what the request itself tells the model. */
export function withSystem(turns: readonly Turn[], system: string): Turn[] {
  const [first, ...rest] = turns;
  if (first?.role !== 'system') return [{ role: 'system', content: system }, ...turns];
  return [{ role: 'system', content: `${first.content}\n\n${system}` }, ...rest];
}

function turnOf(value: unknown, at: string, calls: CallHistory): Turn {
  if (!isObject(value)) throw badRequest(at, `"${at}" is not right. A message is an object with "role" and "content".`);
  const message: Message = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
  refuseUnread(message, at);
  switch (message['role']) {
    case 'system':
    case 'developer':
      return { role: 'system', content: saidIn(message, at).said };
    case 'user':
      return { role: 'user', content: saidIn(message, at).said };
    case 'assistant':
      return assistantTurn(message, at, calls);
    case 'tool':
    case 'function':
      return toolTurn(message, at, calls);
    case undefined:
      throw badRequest(`${at}.role`, `"${at}.role" is missing.`, 'missing_required_parameter');
    default: {
      const roles = 'The role is "system", "developer", "user", "assistant", "tool" or "function".';
      throw badRequest(`${at}.role`, `"${at}.role" is not right. ${roles}`);
    }
  }
}

function saidIn(message: Message, at: string): Content {
  if (message['content'] === undefined) {
    throw badRequest(`${at}.content`, `"${at}.content" is missing.`, 'missing_required_parameter');
  }
  return contentOf(message['content'], `${at}.content`);
}

/** It may say nothing: answers are empty that a limit cut, or a stop ended, at once. */
function assistantTurn(message: Message, at: string, history: CallHistory): Turn {
  const { said, thoughts: within } = contentOf(message['content'] ?? '', `${at}.content`);
  const { refusal } = message;
  const content = [said, typeof refusal === 'string' ? refusal : ''].filter((part) => part !== '').join('\n');
  const thoughts = [within, thoughtsBeside(message)].find((text) => text !== '');
  const calls = callsIn(message, at, history);
  return {
    role: 'assistant',
    content,
    ...(calls.length > 0 && { calls }),
    ...(thoughts !== undefined && { thoughts }),
  };
}

function toolTurn(message: Message, at: string, history: CallHistory): Turn {
  const { tool_call_id: id, name, content } = message;
  const call = history.answer(id, name, `${at}.name`);
  if (call !== null) return { role: 'tool', content: resultOf(content, `${at}.content`), call };
  const which = id === undefined ? 'No call before it is without a result' : 'No call before it has this id';
  throw badRequest(`${at}.tool_call_id`, `${which}. Send the call along, or say the "name" of the function.`);
}

/** The calls of the assistant: OpenAI's tools of both kinds, or its functions of old. */
function callsIn({ tool_calls: tools, function_call: old }: Message, at: string, history: CallHistory): Call[] {
  const list = tools ?? [];
  if (!Array.isArray(list)) throw badRequest(`${at}.tool_calls`, `"${at}.tool_calls" is a list of calls.`);
  if (list.length > MAX_CALLS) {
    const message = `One message can call up to ${MAX_CALLS} functions; these are ${list.length}.`;
    throw badRequest(`${at}.tool_calls`, message);
  }
  if (list.length === 0 && old !== undefined) {
    if (!isObject(old)) throw badRequest(`${at}.function_call`, 'A call is an object with "name" and "arguments".');
    return [history.call(undefined, old['name'], old['arguments'], `${at}.function_call.name`)];
  }
  return list.map((call: unknown, index) => {
    const here = `${at}.tool_calls[${index}]`;
    if (!isObject(call)) throw badRequest(here, 'A call is an object with "id", "type" and "function".');
    const { id, function: called, custom } = call;
    if (isObject(custom)) return history.call(id, custom['name'], { input: custom['input'] }, `${here}.custom.name`);
    if (isObject(called)) return history.call(id, called['name'], called['arguments'], `${here}.function.name`);
    throw badRequest(`${here}.function`, `"${here}.function" is missing.`, 'missing_required_parameter');
  });
}

/** Each server has a name of its own for them; some send the same thoughts under two. */
function thoughtsBeside({
  reasoning_content: content,
  reasoning,
  reasoning_details: details,
  thinking_blocks: blocks,
}: Message): string {
  for (const text of [content, reasoning]) if (typeof text === 'string' && text !== '') return text;
  const parts: readonly unknown[] = [details, blocks].find((list) => Array.isArray(list)) ?? [];
  const texts = parts.map((part) => (isObject(part) ? (part['text'] ?? part['summary'] ?? part['thinking']) : ''));
  return texts.filter((text) => typeof text === 'string').join('');
}

/** Throws for what would have to be read, and is not. All else that stands beside a message is a note about it. */
function refuseUnread(message: Message, at: string): void {
  for (const name of MEDIA) {
    const value = message[name];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    // A spoken answer comes back with its words, or with its number alone.
    if (name === 'audio' && typeof message['content'] === 'string' && message['content'] !== '') continue;
    throw unsupported(`${at}.${name}`, `Models here read text alone. Leave "${name}" out, or say it in words.`);
  }
  if (message['role'] !== 'assistant' && Array.isArray(message['tool_calls']) && message['tool_calls'].length > 0) {
    throw badRequest(`${at}.tool_calls`, 'Only the assistant calls functions: its role is "assistant".');
  }
  for (const name of Object.keys(message)) {
    const meant = SIMPLE_NAMES.get(simple(name));
    if (meant === undefined || meant === name || message[meant] !== undefined) continue;
    const text = `There is no "${name.slice(0, 32)}" in a message. Is "${meant}" meant?`;
    throw badRequest(`${at}.${name}`, text, 'unknown_parameter');
  }
}

/** The same for "toolCalls", "tool_call" and "Tool-Calls". */
function simple(name: string): string {
  return name
    .toLowerCase()
    .replace(/[\s_-]/g, '')
    .replace(/s$/, '');
}

function isEmptyAnswer(turn: Turn | undefined): boolean {
  if (turn?.role !== 'assistant' || turn.calls !== undefined || turn.thoughts !== undefined) return false;
  return turn.content.trim() === '';
}
