/**
 * A conversation as the text a model was trained on. Rendered here, from the model's own template, because engines
 * template differently and the same file must be asked the same thing everywhere.
 */
import { ChatTemplate } from './chat-template.ts';
import { mayGoOn, type KeptAnswer } from '../ask/delivered-answer.ts';
import { MeshError } from '../base/errors.ts';
import { MAX_PROMPT_BYTES, MAX_TURNS, type TaskKind, type Turn } from '../protocol.ts';

/** For files that carry no template. */
export const CHATML_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

const compiled = new Map<string, ChatTemplate>();
const MAX_COMPILED = 8;

/**
 * The prompt, ending where the assistant's answer begins. `tokens`: what the template may print for begin and end of
 * text. Throws model_unreadable when the template is broken, refuses these turns, or takes too much work.
 */
export function renderChat(template: string, turns: readonly Turn[], tokens: { bos: string; eos: string }): string {
  try {
    return compile(template).render({
      messages: turns,
      bos_token: tokens.bos,
      eos_token: tokens.eos,
      add_generation_prompt: true,
    });
  } catch (cause) {
    throw new MeshError(
      'model_unreadable',
      'The chat template of this model does not accept this conversation. Choose another model.',
      { cause },
    );
  }
}

function compile(template: string): ChatTemplate {
  let found = compiled.get(template);
  if (found === undefined) {
    found = new ChatTemplate(template);
    if (compiled.size >= MAX_COMPILED) compiled.clear();
    compiled.set(template, found);
  }
  return found;
}

/** Why these turns cannot be asked; null: they can. */
export function turnsFault(turns: readonly Turn[], task: TaskKind = 'chat'): MeshError | null {
  if (task === 'completion' && turns.length !== 1) return new MeshError('bad_message', 'One text is gone on with.');
  if (task === 'embedding' && turns.some((turn) => isBlank([turn]))) {
    return new MeshError('empty_prompt', 'A text with nothing in it has no vector. Leave it out.');
  }
  if (isBlank(turns)) return new MeshError('empty_prompt', 'Write a message first.');
  if (promptBytes(turns) <= MAX_PROMPT_BYTES && turns.length <= MAX_TURNS) return null;
  return new MeshError(
    'prompt_too_long',
    task === 'embedding'
      ? 'This text is too long to send. Split it.'
      : 'This conversation is too long to send. Shorten the message, or start a new conversation.',
  );
}

/** Why nobody can go on with this; null: they can. */
export function prefixFault(begun: KeptAnswer | null): MeshError | null {
  if (begun === null || mayGoOn(begun)) return null;
  return new MeshError('prompt_too_long', 'This answer is too long to go on with. Ask for the rest in a new question.');
}

/** Is there anything to answer? The last turn must be the user's and say something. */
export function isBlank(turns: readonly Turn[]): boolean {
  const last = turns.at(-1);
  return last === undefined || last.role !== 'user' || last.content.trim() === '';
}

/** UTF-8 bytes of all turns together. */
export function promptBytes(turns: readonly Turn[]): number {
  const encoder = new TextEncoder();
  let bytes = 0;
  for (const turn of turns) bytes += encoder.encode(turn.content).byteLength;
  return bytes;
}
