/**
 * Copies the data folder of a mesh, also while it runs: the key, the database as it was at one moment, the log as far as it was signed
 * then, and what its old events did. The copy can be started, and recounted by `llmesh verify`.
 */
import { GENESIS_FILE } from '../store/genesis-file.ts';
import { randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdir, open, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import Database from 'libsql';
import { MeshError } from '@llmesh/core/base/errors';
import { TILE_WIDTH, tileAt, tilePath, type Tile } from '@llmesh/log/tree/tile';
import { BUNDLE_EVENTS } from '../ledger/past/past-bundle.ts';
import { readSigned, type Signed } from '../log/log-writer.ts';
import { logFiles, logSigner, pastFiles } from '../log/open-log.ts';
import { readTile, type TileStore } from '../log/tile-store.ts';
import { KEY_FILE, openControlKey } from '../receipts/control-key.ts';
import { OWNER_ONLY } from '../store/data-folder.ts';
import { DATABASE_FILE } from '../store/mesh-database.ts';

const OWNER_READS = 0o600;
/** Files that are in memory at once, up to some hundred KB each. */
const AT_ONCE = 32;

export interface BackedUp {
  /** In the database, and of those, in the log. */
  readonly events: number;
  readonly signed: number;
}

/** `to` must not be there yet, and is there whole or not at all. Rejects with storage_full when a file cannot be used. */
export async function backUp(dataFolder: string, to: string): Promise<BackedUp> {
  for (const file of [KEY_FILE, DATABASE_FILE]) {
    if (!existsSync(path.join(dataFolder, file)))
      throw unusable(`There is no ${file} in ${dataFolder}. Name the folder of a mesh with --data.`);
  }
  if (existsSync(to)) throw unusable(`There is something at ${to} already. Choose another name for the copy.`);
  const draft = `${to}.${randomUUID()}`;
  try {
    await mkdir(draft, { recursive: true, mode: OWNER_ONLY });
    const copied = await copyInto(dataFolder, draft);
    await rename(draft, to);
    return copied;
  } catch (thrown) {
    await rm(draft, { recursive: true, force: true });
    if (thrown instanceof MeshError) throw thrown;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw unusable(`The copy cannot be made (${why}). Make room, or choose another folder.`, thrown);
  }
}

async function copyInto(from: string, to: string): Promise<BackedUp> {
  await copyFile(path.join(from, KEY_FILE), path.join(to, KEY_FILE));
  await chmod(path.join(to, KEY_FILE), OWNER_READS);
  const genesis = path.join(from, GENESIS_FILE);
  if (existsSync(genesis)) await copyFile(genesis, path.join(to, GENESIS_FILE));
  const { key } = logSigner(await openControlKey(to));
  const [log, logCopy] = [logFiles(from), logFiles(to)];
  // Before the database, which then has all that it covers; the tiles after it, as they only become more.
  const final = await log.read('checkpoint');
  const signed = await readSigned(log, key);
  const { events, leaf, entry } = await copyDatabase(path.join(from, DATABASE_FILE), path.join(to, DATABASE_FILE));
  const size = signed?.checkpoint.size ?? 0;
  if (leaf > size || events < size) {
    const why = `it has ${events} events from ${leaf} on, and its log ended at ${size}`;
    throw unusable(`The mesh wrote faster than it could be copied (${why}). Try again at a quieter time.`);
  }
  await copyTiles(tilesOf(size), log, logCopy);
  if (signed !== null) await writeNotes(logCopy, signed, final);
  await copyTiles(bundlesBelow(entry), pastFiles(from), pastFiles(to), 'may be missing');
  return { events, signed: size };
}

/** As it is at one moment, in one file, without what was deleted; the mesh goes on meanwhile. */
async function copyDatabase(from: string, to: string): Promise<{ events: number; leaf: number; entry: number }> {
  const database = new Database(from, { readonly: true });
  try {
    database.prepare('VACUUM INTO ?').run([to]);
  } finally {
    database.close();
  }
  await chmod(to, OWNER_READS);
  const file = await open(to, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  const copy = new Database(to, { readonly: true });
  try {
    const [row] = copy.prepare(ENDS).all() as { size: number; leaf: number | null; entry: number | null }[];
    const { size, leaf, entry } = row!;
    return { events: size, leaf: leaf ?? size, entry: entry ?? size };
  } finally {
    copy.close();
  }
}

const ENDS =
  'SELECT size, (SELECT min(idx) FROM ledger_leaf) AS leaf, (SELECT min(idx) FROM ledger_event) AS entry FROM ledger_head';

async function copyTiles(
  tiles: Iterable<Tile>,
  from: TileStore,
  to: TileStore,
  missing: 'may be missing' | 'none may be missing' = 'none may be missing',
): Promise<void> {
  const waiting = [...tiles];
  for (let at = 0; at < waiting.length; at += AT_ONCE) {
    const read = waiting.slice(at, at + AT_ONCE).map(async (tile) => {
      const bytes = await readTile(from, tilePath(tile));
      if (bytes === null && missing !== 'may be missing')
        throw unusable(
          `The log lacks ${tilePath(tile)}. Start the mesh, which makes its newest tiles again, and try again.`,
        );
      return bytes === null ? [] : [{ tile, bytes }];
    });
    await to.write({ tiles: (await Promise.all(read)).flat() });
  }
}

async function writeNotes(to: TileStore, { note }: Signed, final: Uint8Array | null): Promise<void> {
  if (final !== null) await to.writeCheckpoint(Buffer.from(final).toString('utf8'), 'checkpoint');
  await to.writeCheckpoint(note, 'signed');
}

/** All that a log of this size consists of. */
function* tilesOf(size: number): Generator<Tile, void, void> {
  yield* level('entries', size, size);
  for (let at = 0, count = size; count > 0; at += 1, count = Math.floor(count / TILE_WIDTH))
    yield* level(at, count, size);
}

function* level(name: Tile['level'], count: number, size: number): Generator<Tile, void, void> {
  for (let position = 0; position < count; position += TILE_WIDTH) yield tileAt(name, position, size)!;
}

/** Of events that the database does not have any more. A mesh older than these files lacks the first of them. */
function* bundlesBelow(entry: number): Generator<Tile, void, void> {
  for (let index = 0; (index + 1) * BUNDLE_EVENTS <= entry; index += 1) {
    yield { level: 'entries', index, width: BUNDLE_EVENTS };
  }
}

function unusable(message: string, cause?: unknown): MeshError {
  return new MeshError('storage_full', message, { cause });
}
