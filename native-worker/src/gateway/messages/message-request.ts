/** The body of `POST /v1/messages`, told as a chat completion. */
import * as v from 'valibot';
import { badRequest, unsupported } from '../request/api-error.ts';
import { parseChatRequest, type ChatRequest } from '../request/chat-request.ts';
import { checked } from '../request/checked.ts';
import { parametersOf } from '../request/request-fields.ts';
import { calledAlike, inOwnWords, type Renamed } from '../request/retold.ts';
import { toldMessages, toldSystem } from './message-turns.ts';

const ToolSchema = v.looseObject({
  name: v.string(),
  description: v.optional(v.nullable(v.string()), ''),
  input_schema: v.record(v.string(), v.unknown()),
  strict: v.optional(v.nullable(v.boolean())),
  input_examples: v.optional(v.nullable(v.array(v.unknown()))),
});
const ChoiceSchema = v.looseObject({
  type: v.picklist(['auto', 'any', 'tool', 'none'], 'Its type is "auto", "any", "tool" or "none".'),
  name: v.optional(v.string()),
  disable_parallel_tool_use: v.optional(v.boolean(), false),
});
const ThinkingSchema = v.looseObject({
  type: v.picklist(['enabled', 'disabled', 'adaptive', 'between_tools']),
  budget_tokens: v.optional(v.number()),
  display: v.optional(v.nullable(v.picklist(['summarized', 'omitted']))),
});
const FormatSchema = v.looseObject({ type: v.literal('json_schema'), schema: v.record(v.string(), v.unknown()) });

const MessageRequestSchema = v.looseObject({
  messages: v.pipe(v.array(v.unknown()), v.minLength(1, 'There has to be a message in it.')),
  max_tokens: v.number(),
  system: v.optional(v.unknown()),
  stop_sequences: v.optional(v.array(v.string()), []),
  tools: v.optional(v.array(v.unknown()), []),
  tool_choice: v.optional(ChoiceSchema),
  thinking: v.optional(ThinkingSchema),
  output_config: v.optional(
    v.looseObject({ effort: v.optional(v.nullable(v.string())), format: v.optional(v.nullable(FormatSchema)) }),
    {},
  ),
  // Its name before `output_config` had it.
  output_format: v.optional(FormatSchema),
  // Who asks, what is worth keeping warm, and how urgent it is: none of it leaves this computer.
  metadata: v.optional(v.unknown()),
  cache_control: v.optional(v.unknown()),
  service_tier: v.optional(v.unknown()),
  speed: v.optional(v.literal('standard', 'There is one speed here. Leave "speed" out.')),
  context_management: v.optional(
    v.looseObject({ edits: v.optional(v.array(v.looseObject({ type: v.string() })), []) }),
  ),
});

type Fields = v.InferOutput<typeof MessageRequestSchema>;

/** What a chat completion calls otherwise, or what a message has none of. */
const OF_CHATS = new Set([
  ...['max_completion_tokens', 'n', 'response_format', 'functions', 'function_call', 'stop', 'logprobs'],
  ...['top_logprobs', 'reasoning_effort', 'reasoning', 'parallel_tool_calls', 'stream_options'],
]);
/** It takes Anthropic's own machines. */
const ELSEWHERE = new Set([
  'container',
  'mcp_servers',
  'inference_geo',
  'diagnostics',
  'user_profile_id',
  'workspace_id',
]);

export const MESSAGE_NAMES: Renamed = [
  [/^(messages\[\d+\]\.content\[\d+\])\.tool_call_id$/, '$1.tool_use_id'],
  [/^(messages\[\d+\])\.(?:reasoning_content|tool_calls\b.*)$/, '$1.content'],
  [/^stop\b/, 'stop_sequences'],
  [/^(tools\[\d+\])\.function\.parameters\b/, '$1.input_schema'],
  [/^(tools\[\d+\])\.function\b/, '$1'],
  [/^tool_choice\.function\./, 'tool_choice.'],
  [/^response_format\.json_schema\b/, 'output_config.format'],
  [/^response_format\b/, 'output_config.format'],
  [/^reasoning_effort$/, 'output_config.effort'],
  [/^reasoning\.max_tokens$/, 'thinking.budget_tokens'],
  [/^reasoning\b/, 'thinking'],
];

export interface MessageRequest {
  chat: ChatRequest;
  /** Where each message of the chat stands in the request. */
  origins: readonly string[];
  /** Whether the client wants to see what the model thinks. */
  showsThoughts: boolean;
}

/** Throws an `ApiError` that names the parameter which is wrong or not supported here. */
export function parseMessageRequest(body: unknown): MessageRequest {
  const given = Object.entries(parametersOf(body, '"model", "max_tokens" and "messages"'));
  const fields = checked(MessageRequestSchema, Object.fromEntries(given.filter(([, value]) => value !== null)), '');
  refuseEdits(fields);
  const system = fields.system === undefined ? [] : toldSystem(fields.system);
  const told = [...system, ...toldMessages(fields.messages)];
  const origins = told.map(({ origin }) => origin);
  const messages = told.map(({ message }) => message);
  try {
    const chat = parseChatRequest(chatBody(fields, messages));
    return { chat, origins, showsThoughts: fields.thinking?.display !== 'omitted' };
  } catch (thrown) {
    throw inOwnWords(thrown, origins, MESSAGE_NAMES);
  }
}

function chatBody(fields: Fields, messages: readonly object[]): Record<string, unknown> {
  const { max_tokens: maxTokens, stop_sequences: stop, tools, tool_choice: choice, output_config: output } = fields;
  const format = output.format ?? fields.output_format;
  return {
    ...calledAlike(fields, { read: MessageRequestSchema.entries, ofChats: OF_CHATS, elsewhere: ELSEWHERE }),
    messages,
    max_tokens: maxTokens,
    ...(stop.length > 0 && { stop }),
    ...(tools.length > 0 && { tools: tools.map(toldTool) }),
    ...(choice !== undefined && toldChoice(choice)),
    ...(format !== undefined && {
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: format.schema } },
    }),
    ...toldThinking(fields),
  };
}

function toldTool(tool: unknown, index: number): object {
  const { type } = (tool ?? {}) as { type?: unknown };
  if (type !== undefined && type !== null && type !== 'custom') {
    const named = JSON.stringify(type).slice(0, 64);
    const advice = 'Describe it by an input_schema, and carry it out yourself.';
    throw unsupported(`tools[${index}].type`, `This mesh has no tool of the type ${named}. ${advice}`);
  }
  const {
    name,
    description,
    input_schema: parameters,
    strict,
    input_examples: examples,
  } = checked(ToolSchema, tool, `tools[${index}]`);
  const shown =
    examples === undefined || examples === null ? '' : `\nExamples of its input: ${JSON.stringify(examples)}`;
  const told = { name, description: `${description ?? ''}${shown}`, parameters, strict: strict ?? null };
  return { type: 'function', function: told };
}

function toldChoice({ type, name, disable_parallel_tool_use: one }: v.InferOutput<typeof ChoiceSchema>): object {
  const parallel = one ? { parallel_tool_calls: false } : {};
  if (type !== 'tool') return { tool_choice: type === 'any' ? 'required' : type, ...parallel };
  if (name === undefined) throw badRequest('tool_choice.name', '"tool_choice.name" is missing.');
  return { tool_choice: { type: 'function', function: { name } }, ...parallel };
}

/** A model that decides itself how much it thinks is left to it. */
function toldThinking({ thinking, output_config: { effort } }: Fields): object {
  const told = typeof effort === 'string' ? { effort } : {};
  if (thinking?.type === 'enabled') {
    return { reasoning: { ...told, enabled: true, ...budget(thinking.budget_tokens) } };
  }
  if (thinking?.type === 'disabled') return { reasoning: { enabled: false } };
  return typeof effort === 'string' ? { reasoning_effort: effort } : {};
}

function budget(tokens: number | undefined): object {
  return tokens === undefined ? {} : { max_tokens: tokens };
}

/** What a model sees of its earlier thoughts is for its template to say; nothing else is taken out of a conversation. */
function refuseEdits({ context_management: management }: Fields): void {
  const index = management?.edits.findIndex(({ type }) => !type.startsWith('clear_thinking')) ?? -1;
  if (index === -1) return;
  const message = 'Nothing is taken out of a conversation here. Send less of it, and leave this edit out.';
  throw unsupported(`context_management.edits[${index}]`, message);
}
