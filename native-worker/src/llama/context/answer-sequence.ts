/** One sequence of a llama.cpp context, where answers are written, and what it still holds of earlier ones. */
import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { indexAsPriority } from './batching.ts';
import type { Entrance } from './entrance.ts';

/**
 * How many tokens of a prompt are computed in one go. Between two goes a cancel is heard: 64 take 0.1 to 0.25 s on a
 * processor where a whole long prompt takes seconds.
 */
export const CHUNK = 64;

/** The tokens that a sequence must hold before an answer is written, and which of them may be reused. */
export interface Reading {
  tokens: readonly Token[];
  /** The requester; null where there is only one user. */
  requester: string | null;
  /** How many leading tokens are no secret of the requester: those of the template and the system prompt. */
  open: number;
  /** Reuses only tokens that were computed as they would be again, for an answer that must come out the same each time. */
  exact: boolean;
}

export class AnswerSequence {
  readonly index: number;
  readonly llama: LlamaContextSequence;
  /** Aborts the answer whose sequence it is now. */
  signal: AbortSignal = new AbortController().signal;
  /** Slows its steps down, for the sake of others; null: nothing does. */
  pace: (<T>(run: () => Promise<T>) => Promise<T>) | null = null;
  /** The tokens of whole chunks at the start of the sequence, each computed after nothing but whole chunks. */
  #chunks: Token[] = [];
  #requester: string | null = null;
  #open = 0;
  #entrance: Entrance;

  /** `entrance`: the entrance of its context. */
  constructor(sequence: LlamaContextSequence, place: number, entrance: Entrance) {
    this.llama = sequence;
    this.index = place;
    this.#entrance = entrance;
  }

  /**
   * How many leading tokens need not be computed again; never the last. An exact reading takes whole chunks of earlier
   * prompts only: tokens of an answer were computed one by one, which differs in the last bits and can tip a near-tie.
   * Of another requester's prompt it takes whole chunks of the open part: how fast an answer begins must not tell the rest.
   */
  reusable({ tokens, requester, exact }: Reading): number {
    const own = requester === this.#requester;
    const most = Math.min(tokens.length - 1, own ? Infinity : this.#open);
    const same = Math.min(sharedLength(exact ? this.#chunks : this.llama.contextTokens, tokens), most);
    return exact || !own ? same - (same % CHUNK) : same;
  }

  /** How many tokens that it holds would be thrown away. */
  lost({ tokens }: Reading): number {
    const held = this.llama.contextTokens;
    return held.length - sharedLength(held, tokens);
  }

  /** Brings the sequence to where the last chunk of the reading (1 to 64 tokens) is next, and returns that chunk. */
  async prefill(reading: Reading, check: () => void): Promise<Token[]> {
    const { tokens, requester, open } = reading;
    let at = this.reusable(reading);
    this.#chunks.length = Math.min(this.#chunks.length, at - (at % CHUNK));
    await this.#entrance.enter(() => this.llama.adaptStateToTokens(tokens.slice(0, at), false));
    if (this.llama.nextTokenIndex !== at) {
      // Recurrent models and sliding windows cannot go back to any token.
      await this.forget();
      at = 0;
    }
    this.#requester = requester;
    this.#open = open;
    check();
    for (; tokens.length - at > CHUNK; at += CHUNK) {
      const chunk = tokens.slice(at, at + CHUNK);
      await this.#compute(chunk);
      if (this.#chunks.length === at) this.#chunks.push(...chunk);
      check();
    }
    return tokens.slice(at);
  }

  /** Computes the reading as always and then each of `written` alone, as it was when it was written; returns what is next. */
  async replay(reading: Reading, written: readonly Token[], check: () => void): Promise<Token[]> {
    let next = await this.prefill(reading, check);
    for (const token of written) {
      await this.#compute(next);
      check();
      next = [token];
    }
    return next;
  }

  /** See `Entrance.step`. */
  step<T>(run: () => Promise<T>): Promise<T> {
    const steps = () => this.#entrance.step(run, this.signal);
    return this.pace === null ? steps() : this.pace(steps);
  }

  /** Forgets the last `count` tokens, within a step. */
  async takeBack(count: number): Promise<void> {
    const end = this.llama.nextTokenIndex;
    await this.#entrance.enter(() => this.llama.eraseContextTokenRanges([{ start: end - count, end }]));
  }

  async forget(): Promise<void> {
    this.#chunks = [];
    await this.#entrance.enter(() => this.llama.clearHistory());
  }

  async #compute(tokens: Token[]): Promise<void> {
    const evaluationPriority = indexAsPriority(this.index);
    await this.step(() => this.llama.evaluateWithoutGeneratingNewTokens(tokens, { evaluationPriority }));
  }
}

/** How many leading tokens are the same. */
export function sharedLength(a: readonly Token[], b: readonly Token[]): number {
  const most = Math.min(a.length, b.length);
  let same = 0;
  while (same < most && a[same] === b[same]) same += 1;
  return same;
}
