/** Lets an engine run only a few pieces ahead of its reader, so that nothing is computed for nobody. */
import { onAbort } from '@llmesh/core/base/abort';

/** Enough pieces that no engine waits for a page that reads as fast as it can. */
export const MAX_AHEAD = 4;

export class Ahead {
  #pieces = 0;
  #wake: (() => void) | null = null;

  /** One more piece was sent; `taken` settles when it was taken. */
  add(taken: Promise<unknown>): void {
    this.#pieces += 1;
    void this.#untilSettled(taken);
  }

  /** Resolves when the next piece may be computed, or when `signal` aborts. */
  async drained(signal: AbortSignal): Promise<void> {
    if (this.#pieces < MAX_AHEAD || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const stop = onAbort(signal, resolve);
      this.#wake = () => {
        stop();
        resolve();
      };
    });
    this.#wake = null;
  }

  async #untilSettled(taken: Promise<unknown>): Promise<void> {
    await Promise.allSettled([taken]);
    this.#pieces -= 1;
    this.#wake?.();
  }
}
