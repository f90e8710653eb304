/**
 * Memory for pieces that come, used again and again: taking a fresh megabyte for each costs more than copying into it, since
 * the system clears every page of it before.
 */
import { PIECE_BYTES } from '../../manifest.ts';

export class PieceBuffers {
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  readonly #most: number;

  /** Keeps at most so many. */
  constructor(most: number) {
    this.#most = most;
  }

  /** What is in it is what was in it before. */
  take(sizeBytes: number): Uint8Array<ArrayBuffer> {
    const free = sizeBytes === PIECE_BYTES ? this.#free.pop() : undefined;
    return free ?? new Uint8Array(sizeBytes);
  }

  /** Nobody reads it any more. What another thread took over is of no more use here. */
  giveBack(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.byteLength === PIECE_BYTES && this.#free.length < this.#most) this.#free.push(bytes);
  }
}
