/** A stand-in for a sequence of llama.cpp: keeps the tokens that it is given, and computes nothing. */
import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { Entrance } from '../llama/context/entrance.ts';
import { AnswerSequence } from '../llama/context/answer-sequence.ts';

export class PretendSequence {
  batches: number[] = [];
  contextTokens: Token[] = [];

  get nextTokenIndex(): number {
    return this.contextTokens.length;
  }

  async adaptStateToTokens(tokens: Token[]): Promise<void> {
    this.contextTokens = [...tokens];
  }

  async evaluateWithoutGeneratingNewTokens(tokens: Token[]): Promise<void> {
    this.batches.push(tokens.length);
    this.contextTokens.push(...tokens);
  }

  async clearHistory(): Promise<void> {
    this.contextTokens = [];
  }

  /** Acts as if an answer had been written. */
  write(tokens: readonly Token[]): void {
    this.contextTokens.push(...tokens);
  }
}

export function pretendSequence(place = 0): { sequence: AnswerSequence; llama: PretendSequence } {
  const llama = new PretendSequence();
  return { sequence: new AnswerSequence(llama as unknown as LlamaContextSequence, place, new Entrance()), llama };
}

export function tokens(count: number, from = 0): Token[] {
  return Array.from({ length: count }, (_, i) => (from + i) as Token);
}
