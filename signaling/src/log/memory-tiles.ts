/** A log that is forgotten along with its mesh: for one without a data folder. */
import type { NoteFile } from '@llmesh/log/node/tile-folder';
import { TILE_WIDTH, tilePath } from '@llmesh/log/tree/tile';
import type { TileStore } from './tile-store.ts';

export class MemoryTiles implements TileStore {
  readonly #files = new Map<string, Uint8Array>();
  /** By the path of the full tile: narrower ones, which it replaces. */
  readonly #narrow = new Map<string, string[]>();

  read(path: string): Promise<Uint8Array | null> {
    return Promise.resolve(this.#files.get(path) ?? null);
  }

  write({ tiles }: Parameters<TileStore['write']>[0]): Promise<void> {
    for (const { tile, bytes } of tiles) {
      const [path, full] = [tilePath(tile), tilePath({ ...tile, width: TILE_WIDTH })];
      this.#files.set(path, bytes);
      if (path !== full) this.#narrow.set(full, [...(this.#narrow.get(full) ?? []), path]);
      else {
        for (const narrow of this.#narrow.get(full) ?? []) this.#files.delete(narrow);
        this.#narrow.delete(full);
      }
    }
    return Promise.resolve();
  }

  writeCheckpoint(note: string, file: NoteFile): Promise<void> {
    this.#files.set(file, Buffer.from(note));
    return Promise.resolve();
  }
}
