/** Finds where an answer ends: before the first stop sequence, which may lie across any number of pieces. */

export class StopScanner {
  readonly #stops: readonly string[];
  readonly #longest: number;
  /** Text that is held back, as it may be the beginning of a stop. */
  #held = '';
  #found: string | null = null;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
    this.#longest = Math.max(0, ...stops.map((stop) => stop.length));
  }

  /** The stop at which the answer ended; null: none came. */
  get found(): string | null {
    return this.#found;
  }

  /** Returns what may be given out now. `stopped`: the answer ends there, and nothing more may be pushed. */
  push(piece: string): { text: string; stopped: boolean } {
    const all = this.#held + piece;
    const first = this.#firstWhole(all);
    if (first !== null) {
      this.#held = '';
      this.#found = all.slice(first.at, first.end);
      return { text: all.slice(0, first.at), stopped: true };
    }
    const safe = all.length - this.#maybeBegun(all);
    this.#held = all.slice(safe);
    return { text: all.slice(0, safe), stopped: false };
  }

  /** At the end of the answer, returns what was held back: it was not a stop after all. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }

  /** Where the stop begins that is complete first, however the answer is cut into pieces; null: none is complete. */
  #firstWhole(all: string): { at: number; end: number } | null {
    let first: { at: number; end: number } | null = null;
    for (const stop of this.#stops) {
      const at = all.indexOf(stop);
      const end = at + stop.length;
      if (at === -1 || (first !== null && (end > first.end || (end === first.end && at > first.at)))) continue;
      first = { at, end };
    }
    return first;
  }

  /** How many characters at the end of `all` could begin a stop. */
  #maybeBegun(all: string): number {
    for (let length = Math.min(this.#longest - 1, all.length); length > 0; length--) {
      const tail = all.slice(-length);
      if (this.#stops.some((stop) => stop.startsWith(tail))) return length;
    }
    return 0;
  }
}
