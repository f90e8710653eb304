/** A log that is forgotten along with its mesh: for one without a data folder. */
import { readTilePath, tilePath, TILE_WIDTH } from '@llmesh/log/tree/tile';
import { narrowed, type NoteName, type TileStore } from './tile-store.ts';

export class MemoryTiles implements TileStore {
  /** Each by the path that it has when it is full. */
  readonly #tiles = new Map<string, Uint8Array>();
  readonly #notes = new Map<NoteName, string>();

  read(path: string): Promise<Uint8Array | null> {
    const tile = readTilePath(path);
    const bytes = tile === null ? undefined : this.#tiles.get(tilePath({ ...tile, width: TILE_WIDTH }));
    return Promise.resolve(tile === null || bytes === undefined ? null : narrowed(bytes, tile));
  }

  write(tiles: Parameters<TileStore['write']>[0]): Promise<void> {
    for (const { tile, bytes } of tiles) this.#tiles.set(tilePath({ ...tile, width: TILE_WIDTH }), bytes);
    return Promise.resolve();
  }

  readNote(name: NoteName): Promise<string | null> {
    return Promise.resolve(this.#notes.get(name) ?? null);
  }

  writeNote(name: NoteName, note: string): Promise<void> {
    this.#notes.set(name, note);
    return Promise.resolve();
  }
}
