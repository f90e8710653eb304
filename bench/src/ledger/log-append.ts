/**
 * Leaves a second that become tiles on disk, beside plain SQLite inserts of the same bytes. Both take the same portions in
 * turn, so that whatever else the computer does hits both; both are durable after each portion.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { NODE_HASHER } from '@llmesh/log/node/hasher';
import { TileFolder } from '@llmesh/log/node/tile-folder';
import { TileAppender } from '@llmesh/log/tree/tile-appender';
import { logLeaves } from './log-leaves.ts';

export interface LogAppendOptions {
  leaves: number;
  /** As many as come between two checkpoints: at 15,000 a second, 30,000. */
  portion: number;
  leafBytes: number;
}

export interface LogAppendFigures {
  leaves: number;
  portion: number;
  leafBytes: number;
  tilesPerSecond: number;
  sqlitePerSecond: number;
  /** Tiles ÷ SQLite; more than 1: the log is not what holds the ledger up. */
  ofSqlite: number;
}

export async function logAppend({ leaves, portion, leafBytes }: LogAppendOptions): Promise<LogAppendFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'llmesh-bench-log-'));
  const database = new Database(join(folder, 'plain.db'));
  try {
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL');
    database.exec('CREATE TABLE leaf (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT');
    const insert = database.prepare('INSERT INTO leaf (id, bytes) VALUES (?, ?)');
    const files = new TileFolder(join(folder, 'log'));
    const appender = await TileAppender.open(0, (path) => files.read(path), NODE_HASHER);
    let [tilesMs, sqliteMs] = [0, 0];
    const toTiles = async (some: readonly Uint8Array[]): Promise<void> => {
      const began = performance.now();
      await files.write(appender.append(some));
      tilesMs += performance.now() - began;
    };
    const toSqlite = (some: readonly Uint8Array[], from: number): void => {
      const began = performance.now();
      database.exec('BEGIN IMMEDIATE');
      some.forEach((leaf, i) => insert.run(from + i, leaf));
      database.exec('COMMIT');
      sqliteMs += performance.now() - began;
    };
    for (let from = 0, turn = 0; from < leaves; from += portion, turn += 1) {
      const some = logLeaves(Math.min(portion, leaves - from), from, leafBytes);
      if (turn % 2 === 0) await toTiles(some);
      toSqlite(some, from);
      if (turn % 2 === 1) await toTiles(some);
    }
    const [tilesPerSecond, sqlitePerSecond] = [tilesMs, sqliteMs].map((ms) => Math.round((leaves / ms) * 1_000));
    return {
      ...{ leaves, portion, leafBytes },
      tilesPerSecond: tilesPerSecond ?? Number.NaN,
      sqlitePerSecond: sqlitePerSecond ?? Number.NaN,
      ofSqlite: Number((sqliteMs / tilesMs).toFixed(2)),
    };
  } finally {
    database.close();
    rmSync(folder, { recursive: true });
  }
}

// node --import tsx --conditions=@llmesh/source bench/src/ledger/log-append.ts [leaves] [portion] [bytes]
if (import.meta.filename === process.argv[1]) {
  const [leaves = 300_000, portion = 30_000, leafBytes = 512] = process.argv.slice(2).map(Number);
  process.stdout.write(`${JSON.stringify(await logAppend({ leaves, portion, leafBytes }))}\n`);
}
