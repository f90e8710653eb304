/**
 * Which part of a conversation a model still has room for. The oldest exchanges are left out first, and always whole. Where one has to
 * go, a few go at once: then the beginning stays the same for some questions, and the provider need not read it anew each time.
 */
import { MAX_PROMPT_BYTES, MAX_TURNS } from '@llmesh/core/wire/peer-limits';
import { MAX_TOKENS } from '../../settings.svelte.ts';
import { textSize } from './text-size.ts';

/** A question and what was said to it, as both are sent. */
export interface Exchange {
  /** The id of the question. */
  id: string;
  question: string;
  /** Empty for the last: it is being asked. */
  said: string;
}

/** The memory of a model. */
export interface Memory {
  /** Tokens of question and answer together; null: not known. */
  contextTokens: number | null;
  /** What our estimate of its tokens has to be multiplied by. */
  scale: number;
}

export interface Window {
  /** The number of the first exchange that is sent with the last. */
  first: number;
  /** Of all that is sent, and of the last answer. An estimate. */
  tokens: number;
}

/** Where something has to go, this share of the room stays. */
const KEPT_SHARE = 0.7;
/** What a template writes around each turn. */
const AROUND_TOKENS = 6;
/** An answer may take so much of a small memory. */
const ANSWER_SHARE = 0.25;

/** Tokens that are left for the turns; the rest is for the answer. */
export function roomOf(contextTokens: number): number {
  return contextTokens - Math.min(MAX_TOKENS, Math.floor(contextTokens * ANSWER_SHARE));
}

/** Estimated tokens of a turn with this text. */
export function turnTokens(text: string, { scale }: Pick<Memory, 'scale'>): number {
  return Math.ceil(textSize(text).tokens * scale) + AROUND_TOKENS;
}

/** `begunTokens`: of the last answer, where it is continued. */
export function windowOf(exchanges: readonly Exchange[], memory: Memory, begunTokens = 0): Window {
  const room = memory.contextTokens === null ? Infinity : roomOf(memory.contextTokens);
  const last = exchanges.length - 1;
  const sizes = exchanges.map(({ question, said }) => [turnSize(question, memory), turnSize(said, memory)] as const);
  let first = 0;
  let tokens = 0;
  let bytes = 0;
  const isOver = (index: number, share: number) =>
    tokens > share * room || bytes > share * MAX_PROMPT_BYTES || 2 * (index - first) + 1 > share * MAX_TURNS;
  for (const [i, [question, said]] of sizes.entries()) {
    tokens += question.tokens + (i === last ? begunTokens : 0);
    bytes += question.bytes;
    if (isOver(i, 1)) {
      for (; first < i && isOver(i, KEPT_SHARE); first++) {
        const [asked, answered] = sizes[first]!;
        tokens -= asked.tokens + answered.tokens;
        bytes -= asked.bytes + answered.bytes;
      }
    }
    if (exchanges[i]!.said === '') continue;
    tokens += said.tokens;
    bytes += said.bytes;
  }
  return { first, tokens };
}

function turnSize(text: string, memory: Memory): { tokens: number; bytes: number } {
  const { tokens, bytes } = textSize(text);
  return { tokens: Math.ceil(tokens * memory.scale) + AROUND_TOKENS, bytes };
}
