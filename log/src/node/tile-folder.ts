/** A log's files in a folder, as they are served: `tile/…` and `checkpoint`. One program at a time writes them. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readTilePath, TILE_WIDTH, tilePath } from '../tree/tile.ts';
import type { Growth } from '../tree/tile-appender.ts';

const CHECKPOINT = 'checkpoint';

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

  /** Durable when it resolves. Each file is there whole, or as it was before. */
  async write({ tiles }: Growth): Promise<void> {
    for (const { tile, bytes } of tiles) {
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
