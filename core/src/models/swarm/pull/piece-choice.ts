/** Which piece to ask for next: the rarest, so that pieces spread before those who have them leave. */

/** Enough to find a rare one; all of a large model would take longer to look through than to fetch. */
const MAX_COMPARED = 512;
const MAX_LOOKED_AT = 65_536;

export interface Choice {
  /** It may be asked for, and of this peer. */
  eligible: (piece: number) => boolean;
  /** How many others have it. */
  copies: (piece: number) => number;
  /** From 0 to below 1. */
  random: () => number;
}

/** The pieces that are neither here nor on their way. Any of them is found, taken and given back at once. */
export class OpenPieces {
  readonly #pieces: Uint32Array;
  /** Where each piece stands among them. */
  readonly #places: Uint32Array;
  #size: number;

  /** All of them are open. */
  constructor(count: number) {
    this.#pieces = Uint32Array.from({ length: count }, (_, piece) => piece);
    this.#places = this.#pieces.slice();
    this.#size = count;
  }

  get size(): number {
    return this.#size;
  }

  has(piece: number): boolean {
    return (this.#places[piece] ?? Infinity) < this.#size;
  }

  /** Idempotent. */
  take(piece: number): void {
    if (!this.has(piece)) return;
    this.#size -= 1;
    this.#swap(piece, this.#size);
  }

  /** Idempotent. */
  giveBack(piece: number): void {
    if (piece >= this.#pieces.length || this.has(piece)) return;
    this.#swap(piece, this.#size);
    this.#size += 1;
  }

  /** Null: none that was looked at is eligible. Among equally rare ones chance decides, so that not all ask for the same. */
  choose({ eligible, copies, random }: Choice): number | null {
    const start = Math.floor(random() * this.#size);
    const looks = Math.min(this.#size, MAX_LOOKED_AT);
    let [best, fewest, ties, compared] = [-1, Infinity, 0, 0];
    for (let step = 0; step < looks && compared < MAX_COMPARED; step++) {
      const piece = this.#pieces[(start + step) % this.#size] ?? 0;
      if (!eligible(piece)) continue;
      compared += 1;
      const has = copies(piece);
      if (has < fewest) [best, fewest, ties] = [piece, has, 1];
      else if (has === fewest && random() * ++ties < 1) best = piece;
    }
    return best < 0 ? null : best;
  }

  /** Whether any that is looked at is eligible. */
  some(eligible: (piece: number) => boolean): boolean {
    for (let at = 0; at < Math.min(this.#size, MAX_LOOKED_AT); at++) if (eligible(this.#pieces[at] ?? 0)) return true;
    return false;
  }

  #swap(piece: number, to: number): void {
    const [from, other] = [this.#places[piece] ?? 0, this.#pieces[to] ?? 0];
    this.#pieces[from] = other;
    this.#places[other] = from;
    this.#pieces[to] = piece;
    this.#places[piece] = to;
  }
}
