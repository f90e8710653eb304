/** The tiles in a folder, each a file that is there whole or not at all, for its owner only. */
import { constants } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { MAX_ENTRY_BYTES, maxBundleBytes } from '@llmesh/log/tree/entries';
import { MAX_NOTE_BYTES } from '@llmesh/log/note/note';
import { readTilePath, tilePath, TILE_WIDTH } from '@llmesh/log/tree/tile';
import { MeshError } from '@llmesh/core/base/errors';
import { oddFile, OWNER_ONLY, PLAIN_FILE } from '../store/data-folder.ts';
import { narrowed, type NoteName, type TileStore } from './tile-store.ts';

const MODE = 0o600;

export class TileFolder implements TileStore {
  readonly #folder: string;

  /** It is made when something is written. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(at: string): Promise<Uint8Array | null> {
    const tile = readTilePath(at);
    if (tile === null) return null;
    const bytes = await this.#read(tilePath({ ...tile, width: TILE_WIDTH }), maxBundleBytes(MAX_ENTRY_BYTES));
    return bytes === null ? null : narrowed(bytes, tile);
  }

  async write(tiles: Parameters<TileStore['write']>[0]): Promise<void> {
    const folders = new Set<string>();
    for (const { tile, bytes } of tiles) {
      const file = path.join(this.#folder, tilePath({ ...tile, width: TILE_WIDTH }));
      for (const made of await makeFolders(path.dirname(file))) folders.add(made);
      await replace(file, bytes);
      folders.add(path.dirname(file));
    }
    for (const folder of folders) await settle(folder);
  }

  async readNote(name: NoteName): Promise<string | null> {
    const bytes = await this.#read(name, MAX_NOTE_BYTES);
    return bytes === null ? null : Buffer.from(bytes).toString('utf8');
  }

  async writeNote(name: NoteName, note: string): Promise<void> {
    for (const made of await makeFolders(this.#folder)) await settle(made);
    await replace(path.join(this.#folder, name), Buffer.from(note));
    await settle(this.#folder);
  }

  async #read(below: string, mostBytes: number): Promise<Uint8Array | null> {
    const file = path.join(this.#folder, below);
    try {
      const handle = await open(file, constants.O_RDONLY | PLAIN_FILE);
      try {
        const stats = await handle.stat();
        if (!stats.isFile() || stats.size > mostBytes) throw odd(`${file} is none of the log's files.`);
        return await handle.readFile();
      } finally {
        await handle.close();
      }
    } catch (thrown) {
      const code = errno(thrown);
      if (code === 'ENOENT' || code === 'ENOTDIR') return null;
      const what = code === 'ELOOP' || code === 'ENXIO' ? oddFile(file) : null;
      throw what === null ? thrown : odd(what);
    }
  }
}

function odd(what: string): MeshError {
  return new MeshError('storage_full', what);
}

/** The folders above those that it made: a power cut must not forget their names. */
async function makeFolders(folder: string): Promise<string[]> {
  const first = await mkdir(folder, { recursive: true, mode: OWNER_ONLY });
  if (first === undefined) return [];
  const above: string[] = [];
  for (let at = folder; at.length >= first.length; at = path.dirname(at)) above.push(path.dirname(at));
  return above;
}

/** Nobody reads half of it, before or after a crash. */
async function replace(file: string, bytes: Uint8Array): Promise<void> {
  const draft = `${file}.new`;
  // A crash may have left one, which nobody reads.
  await rm(draft, { force: true });
  const handle = await open(draft, 'wx', MODE);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}

/** Makes the names in a folder durable. Windows does so by itself, and opens no folders. */
async function settle(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function errno(thrown: unknown): string | null {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  return typeof code === 'string' ? code : null;
}
