/** How long a transfer is resumed after breaks: while something comes, and for some tries more. */
import type { Clock } from '@llmesh/core/base/clock';
import { cancelled } from '@llmesh/core/base/errors';
import { TransferError } from './transfer-error.ts';

/** How many breaks in a row are tolerated; together they take a good minute. */
const MAX_BREAKS = 8;
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15_000;
/** Less than this between two breaks is no progress. */
const PROGRESS_BYTES = 65_536;

export class Patience {
  readonly #clock: Clock;
  readonly #random: () => number;
  #breaks = 0;
  #bytes = 0;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  came(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < PROGRESS_BYTES) return;
    this.#bytes = 0;
    this.#breaks = 0;
  }

  /** Resolves when it is time to try again; rejects with `thrown` where that is useless, or with cancelled. */
  async after(thrown: unknown, signal: AbortSignal): Promise<void> {
    if (!(thrown instanceof TransferError) || thrown.failure.kind !== 'break') throw thrown;
    this.#breaks += 1;
    if (this.#breaks > MAX_BREAKS) throw thrown;
    const delayMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.#breaks - 1));
    // The pauses are spread, so that connections which broke together do not come back together.
    await pause(this.#clock, Math.max(thrown.failure.retryAfterMs ?? 0, delayMs * (0.5 + this.#random() / 2)), signal);
  }
}

/** Resolves with the result of `run`, after as many tries as are worth it. Rejects with its last error, or with cancelled. */
export async function patiently<T>(run: () => Promise<T>, patience: Patience, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (thrown) {
      await patience.after(thrown, signal);
    }
  }
}

/** Rejects with cancelled. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(cancelled());
      return;
    }
    const abort = () => {
      stop();
      reject(cancelled());
    };
    const stop = clock.after(ms, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}
