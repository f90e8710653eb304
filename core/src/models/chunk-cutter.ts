/** Cuts a file into content-defined chunks while it is read. Some 150 MB a second: for a thread of its own. */
import { createChunker, finalize, nextBlock } from '@huggingface/xetchunk-wasm';
import { chunkEntry } from './chunk-list.ts';

export class ChunkCutter {
  readonly #chunker = createChunker();
  readonly #entries: Uint8Array[] = [];

  /** The next bytes of the file, as many as there are. Reads them before it returns. */
  add(bytes: Uint8Array): void {
    for (const { length, hash } of nextBlock(this.#chunker, bytes)) this.#entries.push(chunkEntry(length, hash));
  }

  /** The bytes of the file's list. Called once, and last. */
  end(): Uint8Array<ArrayBuffer> {
    const last = finalize(this.#chunker);
    if (last !== null) this.#entries.push(chunkEntry(last.length, last.hash));
    const list = new Uint8Array(this.#entries.reduce((sum, entry) => sum + entry.byteLength, 0));
    let at = 0;
    for (const entry of this.#entries) {
      list.set(entry, at);
      at += entry.byteLength;
    }
    return list;
  }
}
