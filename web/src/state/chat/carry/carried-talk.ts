/** Conversations on their way out of this browser or into it, as files of ours or of other programs. */
import { sha256 } from '@noble/hashes/sha2.js';
import { toBase32 } from '@llmesh/core/base/base32';
import { newAnswer, type ShownTurn } from '../turn.ts';
import type { NamedThings } from './named-things.ts';
import type { Talk } from '../kept-conversation.ts';

/** A conversation with its turns, in their order. */
export interface CarriedTalk {
  talk: Omit<Talk, 'version' | 'next' | 'waiting'>;
  turns: readonly ShownTurn[];
}

/** What was read of a file. */
export interface Incoming {
  talks: readonly CarriedTalk[];
  /** So many conversations could not be read, or were too many. */
  leftOut: number;
  /** Left out: it holds none. */
  named?: NamedThings | undefined;
}

export interface CarryOptions {
  signal: AbortSignal;
  /** Told from 0 to 1. */
  onProgress: (share: number) => void;
}

/** A larger file is not read. */
export const MOST_FILE_BYTES = 256 * 2 ** 20;
/** What lies beyond these in one file is left out, and that is said. */
export const MOST_TALKS = 50_000;
export const MOST_TURNS = 20_000;
export const MOST_TEXT = 1_000_000;

/** Why a file is not taken, for the person. */
export class CarryError extends Error {}

/** The same of the same file: what comes in twice is here once. */
export function idFrom(...names: readonly string[]): string {
  return toBase32(sha256(new TextEncoder().encode(JSON.stringify(names))).subarray(0, 10));
}

/** A turn that another program has written. */
export function foreignTurn(id: string, role: 'user' | 'assistant', text: string, writer: string | null): ShownTurn {
  if (role === 'user') return { role, id, text };
  return { ...newAnswer(id, 'anyone', null), state: 'done', text, foreign: writer };
}
