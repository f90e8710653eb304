/** The sequences of a context: who gets which, and who waits for one. */
import type { LlamaContext } from 'node-llama-cpp';
import { onAbort } from '@llmesh/core/base/abort';
import { cancelled } from '@llmesh/core/base/errors';
import type { DutyCycle } from './duty-cycle.ts';
import { Entrance } from './entrance.ts';
import { CHUNK, AnswerSequence, type Reading } from './answer-sequence.ts';

/** How likely the conversation that ended last continues here. */
const MAY_COME_BACK = 0.5;

interface Waiting {
  reading: Reading;
  signal: AbortSignal;
  give(sequence: AnswerSequence): void;
}

export class SequencePool {
  /** The entrance of its context, where each step waits first. */
  readonly entrance: Entrance;
  /** The longest unused comes first. */
  #free: AnswerSequence[] = [];
  /** The places in the batch that are at work. */
  #busy = new Set<number>();
  #waiting: Waiting[] = [];

  constructor(context: LlamaContext, duty: DutyCycle | null = null) {
    this.entrance = new Entrance(duty);
    for (let place = 0; place < context.totalSequences; place += 1) {
      this.#free.push(
        new AnswerSequence(context.getSequence({ checkpoints: { interval: false } }), place, this.entrance),
      );
    }
  }

  /** A free sequence, see `chooseSequence`; waits for one, first come, first served. Rejects with cancelled. */
  take(reading: Reading, signal: AbortSignal): Promise<AnswerSequence> {
    if (signal.aborted) return Promise.reject(cancelled());
    const sequence = this.#best(reading, signal);
    if (sequence !== null) return Promise.resolve(sequence);
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        reading,
        signal,
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

  /** Whether anybody waits for a sequence. */
  get isWanted(): boolean {
    return this.#waiting.length > 0;
  }

  give(sequence: AnswerSequence): void {
    this.#free.push(sequence);
    this.#busy.delete(sequence.index);
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const best = this.#best(next.reading, next.signal);
    if (best !== null) next.give(best);
  }

  #best(reading: Reading, signal: AbortSignal): AnswerSequence | null {
    const best = chooseSequence(this.#free, this.#busy, reading);
    if (best === null) return null;
    this.#free = this.#free.filter((sequence) => sequence !== best);
    this.#busy.add(best.index);
    best.signal = signal;
    best.pace = null;
    return best;
  }
}

/**
 * The sequence that saves most: tokens that need not be computed, less those that it has to forget, as far as their
 * conversation is likely to continue. llama.cpp runs only neighbours in one step, and so a place beside those at work is
 * worth a chunk. `free` has the longest unused first.
 */
export function chooseSequence(
  free: readonly AnswerSequence[],
  busy: ReadonlySet<number>,
  reading: Reading,
): AnswerSequence | null {
  let best: AnswerSequence | null = null;
  let most = -Infinity;
  for (const [rank, sequence] of free.entries()) {
    const comesBack = (MAY_COME_BACK * (rank + 1)) / free.length;
    const beside = busy.has(sequence.index - 1) || busy.has(sequence.index + 1) ? CHUNK : 0;
    const saved = sequence.reusable(reading) - sequence.lost(reading) * comesBack + beside;
    if (saved > most) [best, most] = [sequence, saved];
  }
  return best;
}
