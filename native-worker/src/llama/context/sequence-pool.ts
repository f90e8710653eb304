/** The seats of a context: who gets which, and who waits for one. */
import type { LlamaContext } from 'node-llama-cpp';
import { onAbort } from '@llmesh/core/base/abort';
import { cancelled } from '@llmesh/core/base/errors';
import type { DutyCycle } from './duty-cycle.ts';
import { Entrance } from './entrance.ts';
import { CHUNK, Seat, type Reading } from './seat.ts';

/** How likely the conversation that ended last goes on here. */
const MAY_COME_BACK = 0.5;

interface Waiting {
  reading: Reading;
  signal: AbortSignal;
  give(seat: Seat): void;
}

export class SequencePool {
  /** Of its context: whoever asks it for a step waits here first. */
  readonly entrance: Entrance;
  /** The longest unused first. */
  #free: Seat[] = [];
  /** Places. */
  #busy = new Set<number>();
  #waiting: Waiting[] = [];

  constructor(context: LlamaContext, duty: DutyCycle | null = null) {
    this.entrance = new Entrance(duty);
    for (let place = 0; place < context.totalSequences; place += 1) {
      this.#free.push(new Seat(context.getSequence({ checkpoints: { interval: false } }), place, this.entrance));
    }
  }

  /** A free seat, see `chooseSeat`; waits for one, first come, first served. Rejects with cancelled. */
  take(reading: Reading, signal: AbortSignal): Promise<Seat> {
    if (signal.aborted) return Promise.reject(cancelled());
    const seat = this.#best(reading, signal);
    if (seat !== null) return Promise.resolve(seat);
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

  give(seat: Seat): void {
    this.#free.push(seat);
    this.#busy.delete(seat.place);
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const best = this.#best(next.reading, next.signal);
    if (best !== null) next.give(best);
  }

  #best(reading: Reading, signal: AbortSignal): Seat | null {
    const best = chooseSeat(this.#free, this.#busy, reading);
    if (best === null) return null;
    this.#free = this.#free.filter((seat) => seat !== best);
    this.#busy.add(best.place);
    best.signal = signal;
    return best;
  }
}

/**
 * The seat that saves most: tokens that need not be computed, less those that it forgets for it, as far as their
 * conversation is likely to go on. llama.cpp runs only neighbours in one step, and so a place beside those at work is
 * worth a chunk. `free` has the longest unused first.
 */
export function chooseSeat(free: readonly Seat[], busy: ReadonlySet<number>, reading: Reading): Seat | null {
  let best: Seat | null = null;
  let most = -Infinity;
  for (const [rank, seat] of free.entries()) {
    const comesBack = (MAY_COME_BACK * (rank + 1)) / free.length;
    const beside = busy.has(seat.place - 1) || busy.has(seat.place + 1) ? CHUNK : 0;
    const saved = seat.reusable(reading) - seat.lost(reading) * comesBack + beside;
    if (saved > most) [best, most] = [seat, saved];
  }
  return best;
}
