/** Files of models in the memory of a worker, where the browser keeps none. */
import type { BegunFile, KeptFile, ModelFiles } from './model-files.ts';

export class MemoryFiles implements ModelFiles {
  readonly lasting = false;
  readonly #files = new Map<string, { parts: Uint8Array<ArrayBuffer>[]; whole: boolean }>();

  async find(name: string): Promise<KeptFile | null> {
    const file = this.#files.get(name);
    if (file === undefined) return null;
    const blob = new Blob(file.parts);
    return { bytes: blob.size, whole: file.whole, writtenAt: Date.now(), open: async () => blob };
  }

  async begin(name: string): Promise<BegunFile> {
    const parts = this.#files.get(name)?.parts ?? [];
    this.#files.set(name, { parts, whole: false });
    return new MemoryBegun(parts);
  }

  async complete(name: string): Promise<void> {
    const file = this.#files.get(name);
    if (file !== undefined) file.whole = true;
  }

  async remove(name: string): Promise<void> {
    this.#files.delete(name);
  }
}

class MemoryBegun implements BegunFile {
  bytes: number;
  readonly #parts: Uint8Array<ArrayBuffer>[];

  constructor(parts: Uint8Array<ArrayBuffer>[]) {
    this.#parts = parts;
    this.bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
  }

  async append(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#parts.push(chunk);
    this.bytes += chunk.byteLength;
  }

  async restart(): Promise<void> {
    this.#parts.length = 0;
    this.bytes = 0;
  }

  async close(): Promise<void> {}

  abandon(): void {}
}
