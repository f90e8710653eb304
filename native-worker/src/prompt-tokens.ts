/** A conversation as the tokens that the model reads. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { LlamaModel, Token } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/errors';
import { renderChat } from '@llmesh/core/prompt';
import type { Turn } from '@llmesh/core/protocol';

/**
 * A text of half a megabyte takes llama.cpp up to half a second, and 20 s when it is made of special tokens, with every
 * other answer at a standstill. So long texts are first counted in slices, up to where it is clear that they do not fit.
 */
const SLICE_CHARS = 8192;
/** A cut makes at most so many tokens more than there are. */
const SLICE_SLACK = 64;

export interface PromptReader {
  model: LlamaModel;
  template: string;
  contextTokens: number;
}

/** `check` throws when nobody wants it any more. `leastAnswer`: tokens that must be left. Throws prompt_too_long. */
export async function promptTokens(
  { model, template, contextTokens }: PromptReader,
  turns: readonly Turn[],
  leastAnswer: number,
  check: () => void,
): Promise<Token[]> {
  const most = contextTokens - leastAnswer;
  const { bos, bosString, eosString, shouldPrependBosToken } = model.tokens;
  const text = renderChat(template, turns, { bos: bosString ?? '', eos: eosString ?? '' });
  const tokenize = (part: string) => model.tokenize(part, true);
  const tokens = await tokensOf(text, most, tokenize, check);
  if (typeof tokens === 'number') throw tooLong(`more than ${tokens.toLocaleString('en')}`, most);
  // Many templates write it themselves.
  if (shouldPrependBosToken && bos !== null && tokens[0] !== bos) tokens.unshift(bos);
  if (tokens.length > most) throw tooLong(tokens.length.toLocaleString('en'), most);
  return tokens;
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
