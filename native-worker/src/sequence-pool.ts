/** The places in a llama.cpp context where answers are written, and what each still knows of the one before. */
import type { LlamaContext, LlamaContextSequence, Token } from 'node-llama-cpp';
import { onAbort } from '@llmesh/core/abort';
import { cancelled } from '@llmesh/core/errors';
import { placeAsPriority } from './batching.ts';

/**
 * Tokens of a prompt that are computed in one go. Between two goes a cancel is heard: 64 take 0.1 to 0.25 s on a
 * processor where a whole long prompt takes seconds.
 */
export const CHUNK = 64;

export class Seat {
  readonly place: number;
  readonly sequence: LlamaContextSequence;
  /** The tokens of whole chunks that the sequence holds from its start on. */
  #chunks: Token[] = [];

  constructor(sequence: LlamaContextSequence, place: number) {
    this.sequence = sequence;
    this.place = place;
  }

  /** How much of `prompt` need not be computed again: whole chunks, and never its last token. */
  shared(prompt: readonly Token[]): number {
    const most = Math.min(this.#chunks.length, prompt.length - 1);
    let same = 0;
    while (same < most && this.#chunks[same] === prompt[same]) same += 1;
    return same - (same % CHUNK);
  }

  /**
   * Brings the sequence to where the last chunk of `prompt` (1 to 64 tokens) is next, and returns that chunk.
   *
   * Only whole chunks of an earlier prompt are kept, because only they were computed exactly as they would be anew:
   * tokens of an earlier answer were computed one by one, which differs in the last bits and can change an answer.
   */
  async prefill(prompt: readonly Token[], check: () => void): Promise<Token[]> {
    let at = this.shared(prompt);
    this.#chunks.length = at;
    await this.sequence.adaptStateToTokens(prompt.slice(0, at), false);
    if (this.sequence.nextTokenIndex !== at) {
      // Recurrent models and sliding windows cannot go back to just any token.
      await this.forget();
      at = 0;
    }
    check();
    for (; prompt.length - at > CHUNK; at += CHUNK) {
      const chunk = prompt.slice(at, at + CHUNK);
      await this.#compute(chunk);
      this.#chunks.push(...chunk);
      check();
    }
    return prompt.slice(at);
  }

  /** Computes `prompt` as always and then each of `written` alone, as it was when it was written; returns what is next. */
  async replay(prompt: readonly Token[], written: readonly Token[], check: () => void): Promise<Token[]> {
    let next = await this.prefill(prompt, check);
    for (const token of written) {
      await this.#compute(next);
      check();
      next = [token];
    }
    return next;
  }

  async forget(): Promise<void> {
    this.#chunks = [];
    await this.sequence.clearHistory();
  }

  async #compute(tokens: Token[]): Promise<void> {
    const evaluationPriority = placeAsPriority(this.place);
    await this.sequence.evaluateWithoutGeneratingNewTokens(tokens, { evaluationPriority });
  }
}

interface Waiting {
  prompt: readonly Token[];
  give(seat: Seat): void;
}

export class SequencePool {
  #free: Seat[] = [];
  #waiting: Waiting[] = [];

  constructor(context: LlamaContext) {
    for (let place = 0; place < context.totalSequences; place += 1) {
      this.#free.push(new Seat(context.getSequence({ checkpoints: { interval: false } }), place));
    }
  }

  /** The free seat that knows most of the prompt; waits for one, first come, first served. Rejects with cancelled. */
  take(prompt: readonly Token[], signal: AbortSignal): Promise<Seat> {
    if (signal.aborted) return Promise.reject(cancelled());
    const seat = this.#best(prompt);
    if (seat !== null) return Promise.resolve(seat);
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        prompt,
        give(given) {
          stopListening();
          resolve(given);
        },
      };
      const stopListening = onAbort(signal, () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        reject(cancelled());
      });
      this.#waiting.push(waiting);
    });
  }

  give(seat: Seat): void {
    this.#free.push(seat);
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const best = this.#best(next.prompt);
    if (best !== null) next.give(best);
  }

  /** Low places first among equals: llama.cpp runs neighbours in one batch. */
  #best(prompt: readonly Token[]): Seat | null {
    let best: Seat | null = null;
    let most = -1;
    for (const seat of this.#free) {
      const shared = seat.shared(prompt);
      if (shared > most || (shared === most && best !== null && seat.place < best.place)) {
        best = seat;
        most = shared;
      }
    }
    this.#free = this.#free.filter((seat) => seat !== best);
    return best;
  }
}
