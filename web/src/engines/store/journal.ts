/**
 * Which pieces of a begun content are here: two bitmaps, of those that the disk was told to keep and of those that were written.
 * What was only written is hashed again before anybody relies on it. Whoever has the journal open is the only one to write.
 */
import { PieceSet } from '@llmesh/core/models/piece-set';
import { writeAll } from '../files/sync-write.ts';

export class Journal {
  readonly #handle: FileSystemSyncAccessHandle;
  readonly #size: number;
  readonly #bytes: number;
  #written: PieceSet;

  constructor(handle: FileSystemSyncAccessHandle, size: number) {
    this.#handle = handle;
    this.#size = size;
    this.#bytes = Math.ceil(size / 8);
    this.#written = this.#read(1);
  }

  get kept(): PieceSet {
    return this.#read(0);
  }

  get written(): PieceSet {
    return this.#written;
  }

  /** Notes one more piece, at once: a tab that is killed now loses nothing, a computer that loses power does. */
  wrote(piece: number): void {
    this.#written.add(piece);
    const at = piece >> 3;
    writeAll(this.#handle, this.#written.bytes().subarray(at, at + 1), this.#bytes + at);
  }

  /** `flushed`: what the disk keeps for sure. `written`: all that is here, and what the disk lost is not in it. */
  keep(flushed: Uint8Array<ArrayBuffer>, written: Uint8Array<ArrayBuffer>): void {
    writeAll(this.#handle, flushed, 0);
    writeAll(this.#handle, written, this.#bytes);
    this.#handle.flush();
    this.#written = PieceSet.read(this.#size, written) ?? new PieceSet(this.#size);
  }

  close(): void {
    this.#handle.close();
  }

  /** A half that the disk lost says that nothing is here. */
  #read(half: 0 | 1): PieceSet {
    const bits = new Uint8Array(this.#bytes);
    this.#handle.read(bits, { at: half * this.#bytes });
    return PieceSet.read(this.#size, bits) ?? new PieceSet(this.#size);
  }
}

/** What a journal that somebody else may be writing says is here. */
export function writtenIn(journal: Uint8Array, size: number): PieceSet {
  const bytes = Math.ceil(size / 8);
  return PieceSet.read(size, journal.subarray(bytes, 2 * bytes)) ?? new PieceSet(size);
}
