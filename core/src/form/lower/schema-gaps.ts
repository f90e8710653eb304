/** What of a schema is not enforced while an answer is written. */

export interface Gap {
  /** The place in the schema: `#/properties/size`. */
  at: string;
  keyword: string;
}

/** The most that are told; that there are some counts, and the first say where. */
const MAX_GAPS = 64;
const MAX_PLACE_CHARS = 200;

export class Gaps {
  readonly #found = new Map<string, Gap>();

  add(at: string, keyword: string): void {
    if (this.#found.size >= MAX_GAPS) return;
    const gap = { at: at.slice(0, MAX_PLACE_CHARS), keyword };
    this.#found.set(`${gap.at} ${keyword}`, gap);
  }

  get list(): readonly Gap[] {
    return [...this.#found.values()];
  }
}
