/** A log's files in a folder, as they are served: `tile/…` and `checkpoint`. One program at a time writes them. */
import { constants } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readTilePath, TILE_WIDTH, tilePath } from '../tree/tile.ts';
import type { Growth, WrittenTile } from '../tree/tile-appender.ts';

/**
 * What people see, and what the log has signed last, which is further where witnesses have not signed it yet. Whoever signs must
 * remember the latter.
 */
const NOTES = ['checkpoint', 'signed'] as const;
export type NoteFile = (typeof NOTES)[number];
/** Files that are written at the same time: the disk makes them durable together. */
const AT_ONCE = 8;
/** Neither follows a link out of the folder nor waits for the other end of a pipe. Windows knows neither flag. */
const PLAIN_FILE = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export class TileFolder {
  readonly #folder: string;
  readonly #made = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Any path may be asked for; null: no file of a log has it, or it is not there. */
  async read(path: string): Promise<Uint8Array | null> {
    if (!NOTES.some((note) => note === path) && readTilePath(path) === null) return null;
    try {
      const file = await open(join(this.#folder, path), PLAIN_FILE);
      try {
        return (await file.stat()).isFile() ? await file.readFile() : null;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }

  /** Durable when it resolves. Each file is there whole, or as it was before. Rejects once nothing is being written any more. */
  async write({ tiles }: Pick<Growth, 'tiles'>): Promise<void> {
    const folders = new Set<string>();
    const waiting = tiles.values();
    const done = await Promise.allSettled(Array.from({ length: AT_ONCE }, () => this.#writeEach(waiting, folders)));
    const failed = done.find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    for (const folder of folders) await settle(folder);
  }

  /** Takes tiles until none waits; `folders`: those that have new names in them. */
  async #writeEach(waiting: ArrayIterator<WrittenTile>, folders: Set<string>): Promise<void> {
    for (const { tile, bytes } of waiting) {
      const path = tilePath(tile);
      for (const folder of await this.#replace(path, bytes)) folders.add(folder);
      // The full tile has all that the narrower ones had.
      if (tile.width === TILE_WIDTH) await rm(join(this.#folder, `${path}.p`), { recursive: true, force: true });
    }
  }

  /** The signed note; only once the tiles that it covers are written. Durable when it resolves. */
  async writeCheckpoint(note: string, file: NoteFile = 'checkpoint'): Promise<void> {
    for (const folder of await this.#replace(file, new TextEncoder().encode(note))) await settle(folder);
  }

  /** The folders that have new names in them. */
  async #replace(path: string, bytes: Uint8Array): Promise<string[]> {
    const target = join(this.#folder, path);
    const folder = dirname(target);
    // Folders of partial tiles go away again, so only the others are remembered.
    const made = this.#made.has(folder) ? undefined : await mkdir(folder, { recursive: true, mode: 0o700 });
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
    const changed = [folder];
    if (made !== undefined) {
      for (let at = folder; at.length >= made.length; at = dirname(at)) changed.push(dirname(at));
    }
    return changed;
  }
}

/** Makes the names in a folder durable: without it a power cut forgets the last of them. Windows opens no folders. */
async function settle(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, constants.O_RDONLY).catch((error: unknown) => {
    // The full tile has taken the place of all that was in it.
    if (isAbsent(error) && folder.endsWith('.p')) return null;
    throw error;
  });
  try {
    await handle?.sync();
  } finally {
    await handle?.close();
  }
}

function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'ELOOP' || code === 'ENXIO';
}
