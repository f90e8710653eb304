/** The pieces of one fetch that came: each is checked and kept, or on trial as long as no hash covers it. */
import type { PieceMap } from '../../piece-map.ts';
import type { StoredContent } from '../../piece-store.ts';

export interface IntakeOptions {
  stored: StoredContent;
  map: PieceMap;
  /** Nobody reads these bytes any more. */
  free: (bytes: Uint8Array<ArrayBuffer>) => void;
  /** It is here, and right. */
  arrived: (piece: number) => void;
  /** It was on trial, and is wrong. */
  reopen: (piece: number) => void;
  /** The store could not keep it. */
  failed: (thrown: unknown) => void;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #writing = new Set<Promise<boolean>>();
  readonly #trial = new Set<number>();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** How many are being checked and kept. */
  get writing(): number {
    return this.#writing.size;
  }

  /** It is here, or on trial. */
  has(piece: number): boolean {
    return this.#options.stored.pieces.has(piece) || this.#trial.has(piece);
  }

  /** False: the bytes are not this piece's. Null: they were not needed, or could not be kept. */
  async take(piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean | null> {
    const { stored, free, failed } = this.#options;
    if (this.has(piece)) {
      free(bytes);
      return null;
    }
    const writing = stored.write(piece, bytes);
    this.#writing.add(writing);
    try {
      const right = await writing;
      free(bytes);
      return right;
    } catch (thrown) {
      failed(thrown);
      return null;
    } finally {
      this.#writing.delete(writing);
    }
  }

  /** It was kept. False: only on trial. */
  kept(piece: number): boolean {
    const { stored, arrived } = this.#options;
    if (stored.pieces.has(piece)) arrived(piece);
    else this.#trial.add(piece);
    return !this.#trial.has(piece);
  }

  /** The pieces of this file are on trial no more: they are right and here, or wrong and gone. */
  judged(file: number): void {
    const { stored, map, arrived, reopen } = this.#options;
    for (let piece = map.first(file); piece < map.end(file); piece++) {
      if (!this.#trial.delete(piece)) continue;
      if (stored.pieces.has(piece)) arrived(piece);
      else reopen(piece);
    }
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#writing);
  }
}
