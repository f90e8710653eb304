/** The export of Open WebUI: a list of chats, each with a tree of messages, of which `currentId` names the last that was looked at. */
import * as v from 'valibot';
import { branchesOf, type ForeignTalk, type Said } from './foreign-talk.ts';

const MessageSchema = v.object({
  role: v.string(),
  content: v.unknown(),
  parentId: v.optional(v.nullable(v.string()), null),
  model: v.optional(v.nullable(v.string()), null),
});
type Message = v.InferOutput<typeof MessageSchema>;
const TalkSchema = v.object({
  id: v.string(),
  title: v.optional(v.nullable(v.string()), ''),
  created_at: v.optional(v.nullable(v.number()), null),
  updated_at: v.optional(v.nullable(v.number()), null),
  chat: v.object({
    title: v.optional(v.nullable(v.string()), ''),
    history: v.object({ currentId: v.string(), messages: v.record(v.string(), v.unknown()) }),
  }),
});

export function isOpenWebUi(json: unknown): boolean {
  return Array.isArray(json) && v.is(v.object({ chat: v.looseObject({}) }), json[0]);
}

/** null: it cannot be read. */
export function readOpenWebUi(value: unknown): ForeignTalk | null {
  const read = v.safeParse(TalkSchema, value);
  if (!read.success) return null;
  const { id, title, created_at: created, updated_at: updated, chat } = read.output;
  const { currentId, messages } = chat.history;
  const nodeOf = (key: string) => {
    const node = Object.hasOwn(messages, key) ? v.safeParse(MessageSchema, messages[key]) : null;
    return node?.success === true ? node.output : undefined;
  };
  const tree = { ids: Object.keys(messages), nodeOf, parentOf: ({ parentId }: Message) => parentId, saidIn };
  return { id, title: title || chat.title || '', created, updated, ...branchesOf(currentId, tree) };
}

function saidIn({ role, content, model }: Message): Said | null {
  if (role !== 'user' && role !== 'assistant') return null;
  return { role, text: textOf(content), model: role === 'user' ? null : model };
}

/** A text, or parts of which some are text. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const texts = content.map((part) => (part as { text?: unknown } | null)?.text);
  return texts.filter((text) => typeof text === 'string').join('\n\n');
}
