/**
 * What travels on the bulk lane: a want's number (4 bytes, big-endian), how many of its bytes came before (4 bytes), and the
 * next of them. Blocks of one want come in order, each as large as it may be.
 */
import { MAX_BULK_BYTES } from '../../../transport/transport.ts';

const HEADER_BYTES = 8;
/** Eighteen of them make a piece. */
export const BLOCK_BYTES = 61_440;
if (BLOCK_BYTES + HEADER_BYTES > MAX_BULK_BYTES) throw new RangeError('blocks are larger than the lane carries');

export interface Block {
  id: number;
  offset: number;
  bytes: Uint8Array;
}

/** The block at `offset` of what want `id` asks for. */
export function writeBlock(id: number, all: Uint8Array, offset: number): Uint8Array<ArrayBuffer> {
  const bytes = all.subarray(offset, offset + BLOCK_BYTES);
  const block = new Uint8Array(HEADER_BYTES + bytes.byteLength);
  const view = new DataView(block.buffer);
  view.setUint32(0, id);
  view.setUint32(4, offset);
  block.set(bytes, HEADER_BYTES);
  return block;
}

/** A stranger's block; null: it is none. Its bytes are a view into `block`. */
export function readBlock(block: Uint8Array): Block | null {
  if (block.byteLength <= HEADER_BYTES || block.byteLength > HEADER_BYTES + BLOCK_BYTES) return null;
  const view = new DataView(block.buffer, block.byteOffset, HEADER_BYTES);
  return { id: view.getUint32(0), offset: view.getUint32(4), bytes: block.subarray(HEADER_BYTES) };
}

/** Puts the blocks of one want together. Its size is known before, and memory is taken only when the first block comes. */
export class Assembly {
  readonly sizeBytes: number;
  #received = 0;
  readonly #buffer: () => Uint8Array<ArrayBuffer>;
  #bytes: Uint8Array<ArrayBuffer> | null = null;

  /** `buffer`: gives as many bytes, whatever is in them. */
  constructor(sizeBytes: number, buffer = () => new Uint8Array(sizeBytes)) {
    this.sizeBytes = sizeBytes;
    this.#buffer = buffer;
  }

  get receivedBytes(): number {
    return this.#received;
  }

  /** False: this is not the next block. */
  add({ offset, bytes }: Block): boolean {
    const next = Math.min(BLOCK_BYTES, this.sizeBytes - this.#received);
    if (offset !== this.#received || bytes.byteLength !== next) return false;
    this.#bytes ??= this.#buffer();
    this.#bytes.set(bytes, offset);
    this.#received += next;
    return true;
  }

  /** All of it, given away; null: some is missing. */
  take(): Uint8Array<ArrayBuffer> | null {
    return this.#received === this.sizeBytes ? this.#bytes : null;
  }
}
