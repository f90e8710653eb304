/** The body of `POST /v1/responses`, told as a chat completion. */
import type { ResponseFormatTextConfig } from 'openai/resources/responses/responses';
import type { ReasoningEffort } from 'openai/resources/shared';
import * as v from 'valibot';
import { parametersOf } from '../request/request-fields.ts';
import { badRequest } from '../request/api-error.ts';
import { parseChatRequest, type ChatRequest } from '../request/chat-request.ts';
import { checked } from '../request/checked.ts';
import { calledAlike, inOwnWords, type Renamed, type ToldMessage } from '../request/retold.ts';
import { referenceOf, toldInput } from './input-items.ts';
import { shownTools, toldFormat, toldToolChoice, toldTools } from './response-tools.ts';
import type { ResponseHead } from './response-head.ts';

const MAX_METADATA = 16;
const MAX_ID = 64;

const ReasoningSchema = v.looseObject({
  effort: v.optional(v.nullable(v.string())),
  summary: v.optional(v.nullable(v.picklist(['auto', 'concise', 'detailed']))),
});
/** Parts of an answer that are left out unless they are asked for. Those of built-in tools never are there. */
const INCLUDABLE = [
  'reasoning.encrypted_content',
  'message.output_text.logprobs',
  'message.input_image.image_url',
  'file_search_call.results',
  'web_search_call.results',
  'web_search_call.action.sources',
  'computer_call_output.output.image_url',
  'code_interpreter_call.outputs',
] as const;

const ResponseRequestSchema = v.looseObject({
  input: v.optional(v.union([v.string(), v.array(v.unknown())], 'It is a text, or a list of items.'), []),
  instructions: v.optional(v.string()),
  previous_response_id: v.optional(v.pipe(v.string(), v.maxLength(MAX_ID))),
  max_output_tokens: v.optional(v.number()),
  include: v.optional(v.array(v.picklist(INCLUDABLE, `It may have ${INCLUDABLE.join(', ')}.`)), []),
  reasoning: v.optional(ReasoningSchema, {}),
  metadata: v.optional(
    v.pipe(
      v.record(v.pipe(v.string(), v.maxLength(64)), v.pipe(v.string(), v.maxLength(512))),
      v.check((pairs) => Object.keys(pairs).length <= MAX_METADATA, `It has up to ${MAX_METADATA} pairs of texts.`),
    ),
    {},
  ),
  store: v.optional(v.boolean(), true),
  tools: v.optional(v.array(v.unknown()), []),
  tool_choice: v.optional(v.unknown()),
  parallel_tool_calls: v.optional(v.boolean(), true),
  text: v.optional(v.looseObject({ format: v.optional(v.nullable(v.unknown())) }), {}),
  truncation: v.optional(
    v.literal('disabled', 'Nothing is cut from a conversation here. Send less of it, and leave "truncation" out.'),
  ),
  background: v.optional(v.literal(false, 'An answer is written while somebody waits for it. Leave "background" out.')),
  // It bounds what built-in tools do, and there are none.
  max_tool_calls: v.optional(v.unknown()),
});

/** The whole thoughts of the model are shown, as they are. */
const ABOUT_SUMMARIES = new Set(['summary', 'generate_summary']);

type Fields = v.InferOutput<typeof ResponseRequestSchema>;

/** What a chat completion calls otherwise, or what a response has none of. */
const OF_CHATS = new Set([
  ...['messages', 'max_tokens', 'max_completion_tokens', 'n', 'response_format', 'functions', 'function_call'],
  ...['logprobs', 'reasoning_effort', 'verbosity'],
]);
/** It takes OpenAI's own machines. */
const ELSEWHERE = new Set(['conversation', 'prompt', 'context_management', 'moderation']);

/** What a chat completion calls otherwise. */
export const RESPONSE_NAMES: Renamed = [
  [/^(input\[\d+\])\.tool_call_id$/, '$1.call_id'],
  [/^(input\[\d+\])\.reasoning_content$/, '$1.content'],
  [/^(input\[\d+\])\.tool_calls\[\d+\]\.function\./, '$1.'],
  [/^messages$/, 'input'],
  [/^max_completion_tokens$/, 'max_output_tokens'],
  [/^(tools\[\d+\])\.function\b/, '$1'],
  [/^tool_choice\.function\./, 'tool_choice.'],
  [/^response_format\.json_schema\b/, 'text.format'],
  [/^response_format\b/, 'text.format'],
  [/^reasoning_effort$/, 'reasoning.effort'],
  [/^verbosity$/, 'text.verbosity'],
  [/^logprobs$/, 'include'],
];

/** What earlier responses left, for those who may read it. */
export interface Earlier {
  /** The conversation up to the end of that response. Throws an `ApiError` where there is none. */
  conversation(id: string): readonly ToldMessage['message'][];
  /** Null: nothing is known by this id. */
  item(id: string): object | null;
}

export interface ResponseRequest {
  chat: ChatRequest;
  /** What every stage of the response says about its request. */
  head: ResponseHead;
  /** The items of this request alone. */
  input: readonly unknown[];
  /** The whole conversation that it continues, without instructions. */
  conversation: readonly ToldMessage['message'][];
  /** Where each message of the conversation stands in the request. */
  origins: readonly string[];
  /** It is kept, so that later requests can name it. */
  store: boolean;
}

/** Throws an `ApiError` that names the parameter which is wrong or not supported here. */
export function parseResponseRequest(body: unknown, earlier: Earlier): ResponseRequest {
  const given = Object.entries(parametersOf(body, '"model" and "input"')).filter(([, value]) => value !== null);
  const fields = checked(ResponseRequestSchema, Object.fromEntries(given), '');
  const input = typeof fields.input === 'string' ? [{ role: 'user', content: fields.input }] : fields.input;
  const before = fields.previous_response_id === undefined ? [] : earlier.conversation(fields.previous_response_id);
  const now = toldInput(input.map((item, index) => [resolved(item, index, earlier), originOf(fields, index)]));
  const conversation = [...before, ...now.map(({ message }) => message)];
  const system = fields.instructions === undefined || fields.instructions === '' ? [] : [fields.instructions];
  const origins = [
    ...system.map(() => 'instructions'),
    ...before.map(() => 'previous_response_id'),
    ...now.map(({ origin }) => origin),
  ];
  const messages = [...system.map((content) => ({ role: 'system', content })), ...conversation];
  if (messages.length === 0) throw badRequest('input', '"input" is missing.', 'missing_required_parameter');
  const chat = parsed(chatBody(fields, messages), origins);
  return { chat, head: headOf(fields, chat), input, conversation, origins, store: fields.store };
}

function parsed(body: object, origins: readonly string[]): ChatRequest {
  try {
    return parseChatRequest(body);
  } catch (thrown) {
    throw inOwnWords(thrown, origins, RESPONSE_NAMES);
  }
}

function chatBody(fields: Fields, messages: readonly object[]): Record<string, unknown> {
  const { text, include, tools, tool_choice: choice, max_output_tokens: most, parallel_tool_calls: parallel } = fields;
  const tellsOdds = include.includes('message.output_text.logprobs') || Number(fields['top_logprobs'] ?? 0) > 0;
  return {
    ...calledAlike(fields, { read: ResponseRequestSchema.entries, ofChats: OF_CHATS, elsewhere: ELSEWHERE }),
    messages,
    ...(most !== undefined && { max_completion_tokens: most }),
    ...(tools.length > 0 && { tools: toldTools(tools), parallel_tool_calls: parallel }),
    ...(choice !== undefined && { tool_choice: toldToolChoice(choice) }),
    ...(text.format !== undefined && text.format !== null && { response_format: toldFormat(text.format) }),
    ...(text['verbosity'] !== undefined && { verbosity: text['verbosity'] }),
    ...(tellsOdds && { logprobs: true }),
    ...toldReasoning(fields.reasoning),
  };
}

function toldReasoning({ effort, ...others }: Fields['reasoning']): object {
  const rest = Object.entries(others).filter(([name, value]) => !ABOUT_SUMMARIES.has(name) && value !== null);
  if (rest.length === 0) return effort === undefined || effort === null ? {} : { reasoning_effort: effort };
  return { reasoning: { ...Object.fromEntries(rest), ...(typeof effort === 'string' && { effort }) } };
}

function headOf(fields: Fields, { sampling }: ChatRequest): ResponseHead {
  const { instructions = null, previous_response_id: previous = null, reasoning, text, tools } = fields;
  return {
    instructions,
    metadata: fields.metadata,
    max_output_tokens: fields.max_output_tokens ?? null,
    parallel_tool_calls: fields.parallel_tool_calls,
    previous_response_id: previous,
    reasoning: { effort: (reasoning.effort ?? null) as ReasoningEffort, summary: reasoning.summary ?? null },
    temperature: sampling.temperature ?? null,
    top_p: sampling.topP ?? null,
    text: { format: (text.format ?? { type: 'text' }) as ResponseFormatTextConfig },
    tool_choice: (fields.tool_choice ?? 'auto') as ResponseHead['tool_choice'],
    tools: shownTools(tools),
    truncation: 'disabled',
    background: false,
  };
}

function originOf({ input }: Fields, index: number): string {
  return typeof input === 'string' ? 'input' : `input[${index}]`;
}

function resolved(item: unknown, index: number, earlier: Earlier): unknown {
  const id = referenceOf(item);
  if (id === null) return item;
  const found = earlier.item(id);
  if (found !== null) return found;
  const message = `No item with the id "${id.slice(0, MAX_ID)}" is kept here: items are kept for an hour, and for the key that asked. Send the item itself.`;
  throw badRequest(`input[${index}].id`, message, 'item_not_found');
}
