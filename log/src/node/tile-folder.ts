/** A log's files in a folder, as they are served: `tile/…` and `checkpoint`. One program at a time writes them. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readTilePath, TILE_WIDTH, tilePath } from '../tree/tile.ts';
import type { Growth, WrittenTile } from '../tree/tile-appender.ts';

const CHECKPOINT = 'checkpoint';
/** Files that are written at the same time: the disk makes them durable together. */
const AT_ONCE = 8;

export class TileFolder {
  readonly #folder: string;
  readonly #made = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Any path may be asked for; null: no file of a log has it, or it is not there. */
  async read(path: string): Promise<Uint8Array | null> {
    if (path !== CHECKPOINT && readTilePath(path) === null) return null;
    try {
      return await readFile(join(this.#folder, path));
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }

  /** Durable when it resolves. Each file is there whole, or as it was before. Rejects once nothing is being written any more. */
  async write({ tiles }: Growth): Promise<void> {
    const waiting = tiles.values();
    const done = await Promise.allSettled(Array.from({ length: AT_ONCE }, () => this.#writeEach(waiting)));
    const failed = done.find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** Takes tiles until none waits. */
  async #writeEach(waiting: Iterator<WrittenTile> & Iterable<WrittenTile>): Promise<void> {
    for (const { tile, bytes } of waiting) {
      const path = tilePath(tile);
      await this.#replace(path, bytes);
      // The full tile has all that the narrower ones had.
      if (tile.width === TILE_WIDTH) await rm(join(this.#folder, `${path}.p`), { recursive: true, force: true });
    }
  }

  /** The signed note; only once the tiles that it covers are written. */
  async writeCheckpoint(note: string): Promise<void> {
    await this.#replace(CHECKPOINT, new TextEncoder().encode(note));
  }

  async #replace(path: string, bytes: Uint8Array): Promise<void> {
    const target = join(this.#folder, path);
    const folder = dirname(target);
    // Folders of partial tiles go away again, so only the others are remembered.
    if (!this.#made.has(folder)) await mkdir(folder, { recursive: true, mode: 0o700 });
    if (!folder.endsWith('.p')) this.#made.add(folder);
    const unfinished = `${target}.new`;
    const file = await open(unfinished, 'w', 0o600);
    try {
      await file.writeFile(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(unfinished, target);
  }
}

function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR';
}
