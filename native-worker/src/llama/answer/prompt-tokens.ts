/** A conversation as the tokens that the model reads. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { LlamaModel, Token } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/base/errors';
import type { Conversation } from '@llmesh/core/engine/chat-prompt';
import type { Turn } from '@llmesh/core/protocol';
import type { ChatRenderer } from './chat-renderer.ts';
import { CHUNK, sharedLength } from '../context/answer-sequence.ts';

/**
 * A text of half a megabyte takes llama.cpp up to half a second, and 20 s when it is made of special tokens, with every
 * other answer at a standstill. So long texts are first counted in slices, up to where it is clear that they do not fit.
 */
const SLICE_CHARS = 8192;
/** How many tokens a cut can add at most. */
const SLICE_SLACK = 64;

export interface PromptReader {
  model: LlamaModel;
  chat: ChatRenderer;
  contextTokens: number;
}

export interface Prompt {
  text: string;
  tokens: Token[];
  /** How many leading tokens are the same whatever the user says: those of the template and the system prompt. */
  open: number;
}

/**
 * `isBare`: the text of the only turn is read as it stands. `check` throws when nobody waits any more. `leastAnswer`: tokens
 * that must be left. Throws prompt_too_long.
 */
export async function promptTokens(
  reader: PromptReader,
  conversation: Conversation,
  isBare: boolean,
  leastAnswer: number,
  check: () => void,
): Promise<Prompt> {
  const most = reader.contextTokens - leastAnswer;
  const { turns } = conversation;
  const [text = '', other = ''] = isBare
    ? [turns[0]?.content]
    : await reader.chat.render([conversation, { ...conversation, turns: otherTurns(turns) }]);
  check();
  const tokens = await tokensOf(text, most, (part) => reader.model.tokenize(part, true), check);
  if (typeof tokens === 'number') throw tooLong(`more than ${tokens.toLocaleString('en')}`, most);
  prependBos(reader.model, tokens);
  if (tokens.length > most) throw tooLong(tokens.length.toLocaleString('en'), most);
  return { text, tokens, open: isBare ? 0 : openTokens(reader.model, text, other, tokens) };
}

/** Another question under the same system prompt. */
function otherTurns(turns: readonly Turn[]): Turn[] {
  const first = turns.findIndex(({ role }) => role !== 'system');
  const content = turns[first]?.content.trimStart() ?? '';
  return [...turns.slice(0, first), { role: 'user', content: content.startsWith('?') ? '!' : '?' }];
}

/** Many templates write it themselves. */
function prependBos({ tokens: { bos, shouldPrependBosToken } }: LlamaModel, tokens: Token[]): void {
  if (shouldPrependBosToken && bos !== null && tokens[0] !== bos) tokens.unshift(bos);
}

/** What the template writes for another question, too: templates put the system prompt wherever they like. */
function openTokens(model: LlamaModel, text: string, other: string, tokens: readonly Token[]): number {
  let same = 0;
  while (same < text.length && text[same] === other[same]) same += 1;
  // Less than a chunk is useless.
  if (same < CHUNK) return 0;
  const open = model.tokenize(text.slice(0, same), true);
  prependBos(model, open);
  return sharedLength(open, tokens);
}

/** The tokens of `text`; of a long text that has clearly more than `most` only a number that it exceeds. */
export async function tokensOf(
  text: string,
  most: number,
  tokenize: (text: string) => Token[],
  check: () => void,
): Promise<Token[] | number> {
  let count = 0;
  for (let at = 0; text.length > 2 * SLICE_CHARS && at < text.length; at += SLICE_CHARS) {
    count += tokenize(text.slice(at, at + SLICE_CHARS)).length - SLICE_SLACK;
    if (count > most) return count;
    await breathe();
    check();
  }
  return tokenize(text);
}

function tooLong(tokens: string, most: number): MeshError {
  return new MeshError(
    'prompt_too_long',
    `This conversation takes ${tokens} tokens; the model reads at most ${most.toLocaleString('en')}. Shorten it, or start a new chat.`,
  );
}
