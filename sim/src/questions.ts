/** The questions and what came of them. All are held to the same: one end, and no word lost or doubled. */
import type { ErrorCode } from '@llmesh/core/base/errors';
import { answerText, type Ask } from './engine.ts';

/** withdrawn: the requester took it back. */
export type Outcome = 'running' | 'answered' | 'withdrawn' | 'failed';

export class Question implements Ask {
  readonly id: number;
  readonly promptTokens: number;
  readonly tokens: number;
  readonly askedMs: number;
  /** The number of the requester. */
  readonly requester: number;
  outcome: Outcome = 'running';
  error: ErrorCode | null = null;
  firstTokenMs: number | null = null;
  received = 0;
  /** How many providers continued it. */
  seams = 0;
  /** The longest silence at a seam. */
  pauseMs = 0;
  /** The faults of the answer; empty when there are none. */
  readonly faults: string[] = [];
  #ends = 0;

  constructor(ask: Ask, requester: number, askedMs: number) {
    this.id = ask.id;
    this.promptTokens = ask.promptTokens;
    this.tokens = ask.tokens;
    this.requester = requester;
    this.askedMs = askedMs;
  }

  take(text: string, tokens: number, nowMs: number): void {
    this.firstTokenMs ??= nowMs - this.askedMs;
    const expected = answerText(this.id, this.received, this.received + tokens);
    if (text !== expected) this.faults.push(`token ${this.received}: "${text}" instead of "${expected}"`);
    if (this.#ends > 0) this.faults.push(`token ${this.received} came after the end`);
    this.received += tokens;
  }

  resumed(pauseMs: number): void {
    this.seams += 1;
    this.pauseMs = Math.max(this.pauseMs, pauseMs);
  }

  end(outcome: Exclude<Outcome, 'running'>, error: ErrorCode | null = null): void {
    this.#ends += 1;
    if (this.#ends > 1) this.faults.push(`ended ${this.#ends} times, at last ${outcome}`);
    if (outcome === 'answered' && this.received !== this.tokens) {
      this.faults.push(`answered with ${this.received} of ${this.tokens} tokens`);
    }
    this.outcome = outcome;
    this.error = error;
  }
}
