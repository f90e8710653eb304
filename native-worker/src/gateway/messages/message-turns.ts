/** The messages of Anthropic's API, which are made of blocks, as messages of a chat. */
import * as v from 'valibot';
import { badRequest, unsupported } from '../request/api-error.ts';
import { checked } from '../request/checked.ts';
import type { ToldMessage } from '../request/retold.ts';

const text = v.string();
const blocks = v.array(v.looseObject({ type: text }));
const ContentSchema = v.union([text, blocks], 'It is a text, or a list of blocks.');
const MessageSchema = v.looseObject({
  role: v.picklist(['user', 'assistant', 'system'], 'The role is "user", "assistant" or "system".'),
  content: ContentSchema,
});
const TextSchema = v.looseObject({ text });
const ThinkingSchema = v.looseObject({ thinking: text });
const UseSchema = v.looseObject({ id: text, name: text, input: v.record(text, v.unknown()) });
const ResultSchema = v.looseObject({
  tool_use_id: text,
  content: v.optional(v.nullable(ContentSchema)),
  is_error: v.optional(v.nullable(v.boolean())),
});
const DocumentSchema = v.looseObject({
  source: v.variant(
    'type',
    [
      v.looseObject({ type: v.literal('text'), data: text }),
      v.looseObject({ type: v.literal('content'), content: ContentSchema }),
    ],
    'Only text can be sent: a document whose source is "text" or "content".',
  ),
  title: v.optional(v.nullable(text)),
  citations: v.optional(
    v.nullable(
      v.looseObject({ enabled: v.optional(v.literal(false, 'Answers cite nothing. Leave "citations" out.')) }),
    ),
  ),
});

type Content = v.InferOutput<typeof ContentSchema>;
type Block = v.InferOutput<typeof blocks>[number];

/** Throws an `ApiError` that names what cannot be read. */
export function toldSystem(system: unknown): ToldMessage[] {
  const content = checked(ContentSchema, system, 'system');
  const said = textsOf(content, 'system').join('\n\n');
  return said === '' ? [] : [{ message: { role: 'system', content: said }, origin: 'system' }];
}

/** Throws an `ApiError` that names what cannot be read. */
export function toldMessages(messages: readonly unknown[]): ToldMessage[] {
  return messages.flatMap((value, index) => {
    const origin = `messages[${index}]`;
    const { role, content } = checked(MessageSchema, value, origin);
    if (role === 'assistant') return [{ message: answerOf(content, `${origin}.content`), origin }];
    if (role === 'system')
      return [{ message: { role, content: textsOf(content, `${origin}.content`).join('') }, origin }];
    return asked(content, origin);
  });
}

/** What a user says, and the results of calls, in their order. */
function asked(content: Content, origin: string): ToldMessage[] {
  if (typeof content === 'string') return [{ message: { role: 'user', content }, origin }];
  const told: ToldMessage[] = [];
  let said: string[] = [];
  const flush = () => {
    if (said.length > 0) told.push({ message: { role: 'user', content: said.join('') }, origin });
    said = [];
  };
  for (const [index, block] of content.entries()) {
    const at = `${origin}.content[${index}]`;
    if (block.type === 'tool_result') {
      flush();
      const { tool_use_id: id, content: result, is_error: isError } = checked(ResultSchema, block, at);
      const texts = textsOf(result ?? '', `${at}.content`).join('');
      const message = { role: 'tool', tool_call_id: id, content: isError === true ? `Error: ${texts}` : texts };
      told.push({ message, origin: at });
    } else said.push(textOf(block, at));
  }
  flush();
  return told.length > 0 ? told : [{ message: { role: 'user', content: '' }, origin }];
}

function answerOf(content: Content, at: string): ToldMessage['message'] {
  if (typeof content === 'string') return { role: 'assistant', content };
  const said: string[] = [];
  const thoughts: string[] = [];
  const calls: object[] = [];
  for (const [index, block] of content.entries()) {
    const place = `${at}[${index}]`;
    if (block.type === 'thinking') thoughts.push(checked(ThinkingSchema, block, place).thinking);
    else if (block.type === 'tool_use') {
      const { id, name, input } = checked(UseSchema, block, place);
      calls.push({ id, type: 'function', function: { name, arguments: JSON.stringify(input) } });
      // Nobody but the server that made it can read it.
    } else if (block.type !== 'redacted_thinking') said.push(textOf(block, place));
  }
  return {
    role: 'assistant',
    content: said.join(''),
    ...(thoughts.some((thought) => thought !== '') && { reasoning_content: thoughts.join('\n\n') }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function textsOf(content: Content, at: string): string[] {
  return typeof content === 'string' ? [content] : content.map((block, index) => textOf(block, `${at}[${index}]`));
}

function textOf(block: Block, at: string): string {
  switch (block.type) {
    case 'text':
      return checked(TextSchema, block, at).text;
    case 'document': {
      const { source, title } = checked(DocumentSchema, block, at);
      const texts = source.type === 'text' ? [source.data] : textsOf(source.content, `${at}.source.content`);
      return `${title === undefined || title === null ? '' : `${title}\n\n`}${texts.join('')}\n\n`;
    }
    case 'tool_result':
      throw badRequest(at, 'The results of tools stand in messages of the user.');
    default:
      throw unsupported(
        `${at}.type`,
        `This mesh does not read blocks of the type ${JSON.stringify(block.type).slice(0, 64)}. It reads text, calls of tools and their results.`,
      );
  }
}
