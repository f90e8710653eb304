/**
 * Who asks the mesh next. The control plane lets one peer wait for few providers at a time, and the whole gateway is
 * one peer: all others wait here, in the order they came.
 */
import { onAbort } from '@llmesh/core/base/abort';
import { cancelled, MeshError } from '@llmesh/core/base/errors';

/** Two less than the control plane allows: those are for answers that lost their provider, which come first. */
const MAX_ASKING = 6;
const MAX_WAITING = 1_000;

interface Waiting {
  go: () => void;
}

export class Line {
  #asking = 0;
  readonly #waiting: Waiting[] = [];

  /** Whether `enter` would have to wait. */
  get isLong(): boolean {
    return this.#asking >= MAX_ASKING;
  }

  /** Resolves at this one's turn with an idempotent function that lets the next one ask. Rejects with rate_limited or cancelled. */
  async enter(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw cancelled();
    if (this.#asking < MAX_ASKING) this.#asking += 1;
    else await this.#turn(signal);
    let inside = true;
    return () => {
      if (inside) this.#leave();
      inside = false;
    };
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) {
      throw new MeshError('rate_limited', `${MAX_WAITING} questions wait at this gateway already. Try again later.`);
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        go: () => {
          stopListening();
          resolve();
        },
      };
      const stopListening = onAbort(signal, () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(cancelled());
      });
      this.#waiting.push(waiting);
    });
  }

  /** Hands the place to the next one, who need not ask for it. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#asking -= 1;
    else next.go();
  }
}
