/** Where each piece of a model lies: pieces are numbered over all files in the order of the manifest. */
import { HASH_BYTES, PIECE_BYTES, type Manifest } from './manifest.ts';
import { piecesIn } from './merkle.ts';
import type { PieceSet } from './piece-set.ts';

export interface PiecePlace {
  file: number;
  /** In its file. */
  offset: number;
  sizeBytes: number;
  /** Counted from the beginning of its file: the place of its hash in the layer. */
  index: number;
}

export class PieceMap {
  /** How many pieces there are in all. */
  readonly count: number;
  readonly sizeBytes: number;
  readonly #sizes: readonly number[];
  /** The first piece of each file, and behind them how many there are in all. */
  readonly #firsts: readonly number[];

  constructor({ files }: Manifest) {
    this.#sizes = files.map(({ sizeBytes }) => sizeBytes);
    const firsts = [0];
    for (const sizeBytes of this.#sizes) firsts.push((firsts.at(-1) ?? 0) + piecesIn(sizeBytes));
    this.#firsts = firsts;
    this.count = firsts.at(-1) ?? 0;
    this.sizeBytes = this.#sizes.reduce((sum, one) => sum + one, 0);
  }

  get files(): number {
    return this.#sizes.length;
  }

  /** Throws a RangeError for a piece that there is not. */
  place(piece: number): PiecePlace {
    if (!Number.isInteger(piece) || piece < 0 || piece >= this.count)
      throw new RangeError(`there is no piece ${piece}`);
    const file = this.#fileOf(piece);
    const index = piece - this.first(file);
    const offset = index * PIECE_BYTES;
    return { file, offset, sizeBytes: Math.min(PIECE_BYTES, (this.#sizes[file] ?? 0) - offset), index };
  }

  /** The first piece of a file. */
  first(file: number): number {
    return this.#firsts[file] ?? this.count;
  }

  /** The first piece behind a file. */
  end(file: number): number {
    return this.first(file + 1);
  }

  layerBytes(file: number): number {
    return (this.end(file) - this.first(file)) * HASH_BYTES;
  }

  /** The bytes of these pieces together. */
  bytesOf(pieces: Pick<PieceSet, 'has'>): number {
    let bytes = 0;
    for (let piece = 0; piece < this.count; piece++) if (pieces.has(piece)) bytes += this.place(piece).sizeBytes;
    return bytes;
  }

  #fileOf(piece: number): number {
    let [low, high] = [0, this.files - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.first(middle) <= piece) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
