/** How far a model is on its way into the memory: web-llm counts to the end twice, first its weights, then its shaders. */

const PASSES = 2;

export class WakingProgress {
  #pass = 0;
  #last = 0;
  #share = 0;

  /** The share of the whole, from 0 to 1, which never falls. `progress`: as web-llm counts. */
  take(progress: number): number {
    const counted = Math.max(0, Math.min(progress, 1));
    // Weights that arrive out of order only fall back a little.
    if (counted < this.#last / 2 && this.#pass < PASSES - 1) this.#pass += 1;
    this.#last = counted;
    this.#share = Math.max(this.#share, (this.#pass + counted) / PASSES);
    return this.#share;
  }
}
