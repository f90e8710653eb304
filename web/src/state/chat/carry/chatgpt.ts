/** The `conversations.json` of a ChatGPT export: a list of trees of messages, of which `current_node` names the last that was looked at. */
import * as v from 'valibot';
import { branchesOf, type ForeignTalk, type Said } from './foreign-talk.ts';

const MessageSchema = v.object({
  author: v.object({ role: v.string() }),
  content: v.object({ content_type: v.string(), parts: v.optional(v.array(v.unknown()), []) }),
  metadata: v.optional(v.nullable(v.object({ model_slug: v.optional(v.nullable(v.string())) }))),
});
const NodeSchema = v.object({
  message: v.optional(v.nullable(v.fallback(v.nullable(MessageSchema), null)), null),
  parent: v.optional(v.nullable(v.string()), null),
});
const TalkSchema = v.object({
  id: v.optional(v.string()),
  conversation_id: v.optional(v.string()),
  title: v.optional(v.nullable(v.string()), ''),
  create_time: v.optional(v.nullable(v.number()), null),
  update_time: v.optional(v.nullable(v.number()), null),
  mapping: v.record(v.string(), v.unknown()),
  current_node: v.string(),
});

export function isChatGpt(json: unknown): boolean {
  return Array.isArray(json) && v.is(v.object({ mapping: v.looseObject({}) }), json[0]);
}

/** null: it cannot be read. */
export function readChatGpt(value: unknown): ForeignTalk | null {
  const read = v.safeParse(TalkSchema, value);
  if (!read.success) return null;
  const { mapping, current_node: last, ...talk } = read.output;
  const nodeOf = (id: string) => {
    const node = Object.hasOwn(mapping, id) ? v.safeParse(NodeSchema, mapping[id]) : null;
    return node?.success === true ? node.output : undefined;
  };
  return {
    id: talk.id ?? talk.conversation_id ?? last,
    title: talk.title ?? '',
    created: talk.create_time,
    updated: talk.update_time,
    ...branchesOf(last, {
      ids: Object.keys(mapping),
      nodeOf,
      parentOf: ({ parent }) => parent,
      saidIn: ({ message }) => saidIn(message),
    }),
  };
}

/** Tools, hidden instructions and pictures are no part of what was said. */
function saidIn(message: v.InferOutput<typeof MessageSchema> | null): Said | null {
  const role = message?.author.role;
  if (message === null || (role !== 'user' && role !== 'assistant')) return null;
  const { content_type: kind, parts } = message.content;
  if (kind !== 'text' && kind !== 'multimodal_text') return null;
  const text = parts.filter((part) => typeof part === 'string').join('\n\n');
  return { role, text, model: role === 'user' ? null : (message.metadata?.model_slug ?? null) };
}
