/** Checks on the turns of a conversation, or the texts in their place, before any engine sees them. */
import { type Turn, MAX_PROMPT_BYTES, MAX_TURNS } from '../protocol.ts';
import { MeshError } from '../base/errors.ts';

/** Why these turns cannot be asked; null: they can. */
export function turnsFault(turns: readonly Turn[]): MeshError | null {
  if (isBlank(turns)) return new MeshError('empty_prompt', 'Write a message first.');
  if (promptBytes(turns) <= MAX_PROMPT_BYTES && turns.length <= MAX_TURNS) return null;
  return new MeshError(
    'prompt_too_long',
    'This conversation is too long to send. Shorten the message, or start a new conversation.',
  );
}

/**
 * Is there nothing to answer? Whichever turn says something will do: an empty message after a system prompt asks for what
 * that says, and a conversation that ends with the assistant is continued there.
 */
export function isBlank(turns: readonly Turn[]): boolean {
  return turns.every(({ content, calls = [] }) => calls.length === 0 && content.trim() === '');
}

/** The UTF-8 bytes of all turns together. */
export function promptBytes(turns: readonly Turn[]): number {
  const encoder = new TextEncoder();
  let bytes = 0;
  for (const turn of turns) for (const part of textsOf(turn)) bytes += encoder.encode(part).byteLength;
  return bytes;
}

/** Everything in a turn that the model may read: some templates write the ids of calls, too. */
function textsOf({ content, calls = [], thoughts = '', call }: Turn): string[] {
  const called = calls.flatMap(({ id, name, arguments: json }) => [id, name, json]);
  return [content, thoughts, ...called, ...(call === undefined ? [] : [call.id, call.name])];
}
