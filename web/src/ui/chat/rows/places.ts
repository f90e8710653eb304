/** Where the reader of each conversation was, so that it opens there again, also after a reload. One that is not here opens at its end. */
import * as v from 'valibot';
import type { KeptByKey } from '../../../state/kept/kept-at-once.ts';

/** The row at the top of what can be seen, and how much of it is above. */
export interface Place {
  id: string;
  intoPx: number;
}

const KEY = 'places';
/** So many conversations, those that were read last. */
const MOST = 50;

const KeptPlaces = v.array(v.tuple([v.string(), v.object({ id: v.string(), intoPx: v.pipe(v.number(), v.finite()) })]));

export class Places {
  readonly #tab: KeptByKey;
  readonly #places: Map<string, Place>;

  constructor(tab: KeptByKey) {
    this.#tab = tab;
    const kept = v.safeParse(KeptPlaces, tab.read(KEY));
    this.#places = new Map(kept.success ? kept.output.slice(-MOST) : []);
  }

  of(conversation: string): Place | null {
    return this.#places.get(conversation) ?? null;
  }

  /** null: at the end. */
  keep(conversation: string, place: Place | null): void {
    this.#places.delete(conversation);
    if (place !== null) this.#places.set(conversation, place);
  }

  /** The page is being left, or put to sleep. */
  write(): void {
    this.#tab.write(KEY, [...this.#places].slice(-MOST));
  }
}
