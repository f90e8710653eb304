/** Where the reader of each conversation was, so that it opens there again. One that is not here opens at its end. */

/** The row at the top of what can be seen, and how much of it is above. */
export interface Place {
  id: string;
  intoPx: number;
}

export class Places {
  readonly #places = new Map<string, Place>();

  of(conversation: string): Place | null {
    return this.#places.get(conversation) ?? null;
  }

  /** null: at the end. */
  keep(conversation: string, place: Place | null): void {
    if (place === null) this.#places.delete(conversation);
    else this.#places.set(conversation, place);
  }
}
