/** What a message says, as programs write it: a text, or parts of one. */
import { badRequest, unsupported } from './api-error.ts';

export interface Content {
  said: string;
  /** What was thought before it was said. */
  thoughts: string;
}

const TEXTS: ReadonlySet<unknown> = new Set([undefined, 'text', 'input_text', 'output_text']);
const THOUGHTS: ReadonlySet<unknown> = new Set(['thinking', 'reasoning', 'reasoning_text', 'redacted_thinking']);
/** What models of a mesh cannot see or hear. */
const MEDIA: ReadonlySet<unknown> = new Set([
  ...['image', 'image_url', 'input_image', 'audio', 'audio_url', 'input_audio'],
  ...['video', 'video_url', 'input_video', 'file', 'input_file', 'document'],
]);
const SHAPE = 'It is a text, or a list of parts of type "text".';

/** Throws an `ApiError` for what no model here can read. `at`: where the content stands in the request. */
export function contentOf(content: unknown, at: string): Content {
  if (typeof content === 'string') return { said: content, thoughts: '' };
  if (isObject(content)) return partOf(content, at);
  if (!Array.isArray(content)) throw badRequest(at, `"${at}" is not right. ${SHAPE}`);
  const parts = content.map((part: unknown, index) => partOf(part, `${at}[${index}]`));
  return {
    said: parts.map(({ said }) => said).join(''),
    thoughts: parts.map(({ thoughts }) => thoughts).join(''),
  };
}

/** What a function returned, as text: it may be nothing, and any JSON. */
export function resultOf(content: unknown, at: string): string {
  if (content === undefined || content === null) return '';
  if (typeof content === 'string') return content;
  const parts: readonly unknown[] = Array.isArray(content) ? content : [content];
  const isText = parts.every((part) => isObject(part) && typeof part['text'] === 'string' && TEXTS.has(part['type']));
  const hasMedia = parts.some((part) => isObject(part) && MEDIA.has(part['type']));
  return isText || hasMedia ? contentOf(parts, at).said : JSON.stringify(content);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function partOf(part: unknown, at: string): Content {
  if (typeof part === 'string') return { said: part, thoughts: '' };
  if (!isObject(part)) throw badRequest(at, `"${at}" is not right. ${SHAPE}`);
  const { type } = part;
  if (THOUGHTS.has(type)) return { said: '', thoughts: thoughtsIn(part, at) };
  if (TEXTS.has(type) || type === 'refusal') {
    const text = part[type === 'refusal' ? 'refusal' : 'text'];
    if (typeof text === 'string') return { said: text, thoughts: '' };
    if (text === null) return { said: '', thoughts: '' };
    throw badRequest(at, `"${at}" has no text. ${SHAPE}`);
  }
  const named = typeof type === 'string' ? `a part of type "${type.slice(0, 32)}"` : 'this part';
  throw unsupported(at, `Models here read text alone, and ${named} is none. Leave it out, or say it in words.`);
}

/** Some servers write them as a text, some as parts, and some so that only they can read them. */
function thoughtsIn({ thinking, reasoning, text }: Record<string, unknown>, at: string): string {
  const thoughts = thinking ?? reasoning ?? text ?? '';
  return typeof thoughts === 'string' ? thoughts : contentOf(thoughts, at).said;
}
