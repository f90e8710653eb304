/** The file `mesh.db`: opened with care, brought up to date, and watched while the mesh runs. */
import { closeSync, constants, fchmodSync, mkdirSync, openSync, statSync } from 'node:fs';
import path from 'node:path';
import Database from 'libsql';
import AsyncDatabase from 'libsql/promise';
import { MeshError } from '@llmesh/core/base/errors';
import { oddFile, OWNER_ONLY, PLAIN_FILE } from './data-folder.ts';
import { MIGRATIONS } from './database-schema.ts';

export const DATABASE_FILE = 'mesh.db';
const MODE = 0o600;
/** The files that SQLite puts next to it. */
const BESIDE = ['-wal', '-shm', '-journal'] as const;
/** Waits this long for whoever else is writing: another process, or `write` on its way to the disk. */
const BUSY_MS = 5_000;
/** The write-ahead log is cut back to this size. */
const MAX_LOG_BYTES = 16_777_216;
/** As much of it, in pages of 4 KiB, is moved to the file in one go: each time waits for the disk. */
const LOG_PAGES = 4_000;
/** Pages that are kept in memory, in KiB: enough for those that a busy minute changes. */
const CACHE_KIB = 32_768;

/** Of each connection. A filing that was answered with `filed` survives a power cut. */
const SETTINGS = `PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA synchronous = FULL; PRAGMA cache_size = -${CACHE_KIB};
  PRAGMA journal_size_limit = ${MAX_LOG_BYTES}; PRAGMA wal_autocheckpoint = ${LOG_PAGES};`;

/** A file up to this size is checked whole before it is used, which takes a second or two. */
const MAX_CHECKED_BYTES = 536_870_912;

/** Where `write` waits for the disk: here, or on a thread, while the main one goes on. */
export type Waits = 'here' | 'on a thread';

/** As many share a transaction: each may take some ten milliseconds of the main thread, which answers nobody meanwhile. */
const MAX_TOGETHER = 8;

interface Write {
  readonly run: () => unknown;
  readonly done: (result: unknown) => void;
  readonly failed: (error: unknown) => void;
}

type Outcome = { readonly result: unknown } | { readonly error: unknown };

export class MeshDatabase {
  readonly #db: Database.Database;
  /** The connection of `write`: what is on its way to the disk holds up nobody who reads. The same one where nothing waits elsewhere. */
  readonly #writer: Database.Database;
  /** What `write` was asked for meanwhile, in order. */
  #waiting: Write[] = [];
  /** Null: nothing is on its way to the disk. */
  #writing: Promise<void> | null = null;
  /** Null: in memory. */
  readonly #file: string | null;
  /** Which files these were when we opened or first wrote them. */
  readonly #identities = new Map<string, string>();
  #open = true;

  /** Throws storage_full when it cannot be used, version_mismatch when it is newer than this program. */
  constructor(folder: string | null, waits: Waits = 'here') {
    this.#file = folder === null ? null : path.join(folder, DATABASE_FILE);
    try {
      if (this.#file !== null) ownFile(this.#file);
      this.#db = new Database(this.#file ?? ':memory:');
      this.#start(folder);
      const isOwn = this.#file !== null && waits === 'on a thread';
      this.#writer = isOwn ? new Database(this.#file) : this.#db;
      if (isOwn) this.#writer.exec(SETTINGS);
    } catch (cause) {
      if (cause instanceof MeshError) throw cause;
      throw new MeshError('storage_full', wordsFor(cause, this.#file), { cause });
    }
    if (this.#file !== null) this.#identities.set(this.#file, identityOf(this.#file));
  }

  prepare(sql: string): Database.Statement {
    return this.#db.prepare(sql);
  }

  /** All of it or nothing. Durable when it returns. Throws busy when the file was moved: nothing is kept then. */
  transact(run: () => void): void {
    this.#refuseElsewhere();
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      run();
      this.#db.exec('COMMIT');
    } catch (thrown) {
      this.#rollBack(this.#db);
      throw thrown;
    }
    this.#refuseElsewhere();
  }

  /** A statement for `write`. */
  prepareWrite(sql: string): Database.Statement {
    return this.#writer.prepare(sql);
  }

  /**
   * As `transact`, one after the other, for statements of `prepareWrite`: durable when it resolves. `run` must not wait. Others
   * read what was there before until then; whoever calls `transact` meanwhile waits here. What is asked for while the disk
   * is busy shares the next transaction, since each waits for the disk; if one of those throws, it alone never happened.
   */
  write<T>(run: () => T): Promise<T> {
    const written = new Promise<T>((resolve, reject) => {
      this.#waiting.push({ run, done: resolve as (result: unknown) => void, failed: reject });
    });
    this.#writing ??= this.#writeAll();
    return written;
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    // Whatever is asked for in the same turn is written together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const together = this.#waiting.splice(0, MAX_TOGETHER);
      try {
        const outcomes = await this.#writeTogether(together);
        for (const [i, outcome] of outcomes.entries()) {
          if ('error' in outcome) together[i]!.failed(outcome.error);
          else together[i]!.done(outcome.result);
        }
      } catch (thrown) {
        for (const { failed } of together) failed(thrown);
      }
    }
    this.#writing = null;
  }

  /** Throws when none of them was written. */
  async #writeTogether(together: readonly Write[]): Promise<Outcome[]> {
    this.#refuseElsewhere();
    this.#writer.exec('BEGIN IMMEDIATE');
    let outcomes: Outcome[];
    try {
      outcomes = together.map(({ run }) => this.#writeOne(run));
      if (this.#writer === this.#db) this.#db.exec('COMMIT');
      else await AsyncDatabase.prototype.exec.call(this.#writer, 'COMMIT');
    } catch (thrown) {
      this.#rollBack(this.#writer);
      throw thrown;
    }
    this.#refuseElsewhere();
    return outcomes;
  }

  #writeOne(run: () => unknown): Outcome {
    this.#writer.exec('SAVEPOINT one');
    try {
      const result = run();
      this.#writer.exec('RELEASE one');
      return { result };
    } catch (error) {
      // On a full disk SQLite has already rolled back all of it.
      if (!this.#writer.inTransaction) throw error;
      this.#writer.exec('ROLLBACK TO one; RELEASE one;');
      return { error };
    }
  }

  /** The size on disk. */
  get bytes(): number {
    if (this.#file === null) return this.#number('page_count') * this.#number('page_size');
    return [this.#file, ...BESIDE.map((end) => `${this.#file}${end}`)]
      .map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0)
      .reduce((sum, size) => sum + size);
  }

  /** Returns this many unused pages to the disk. */
  async shrink(pages: number): Promise<void> {
    const free = Math.min(pages, this.#number('freelist_count'));
    if (free === 0) return;
    await this.write(() => {
      // One at a time: `exec` makes a single step of each statement, and a step is a page.
      for (let i = 0; i < free; i++) this.#writer.exec('PRAGMA incremental_vacuum(1)');
    });
  }

  /** Every `write` so far has come to its end. */
  async idle(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  /** Once it is idle. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#writer !== this.#db) this.#writer.close();
    try {
      // Then a copy of the one file is complete.
      this.#db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
    } catch {
      // On a full disk it stays in the log, which is read at the next start.
    }
    this.#db.close();
  }

  #start(folder: string | null): void {
    this.#db.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;`);
    this.#db.exec(SETTINGS);
    this.#check();
    const before = this.#number('user_version');
    this.transact(() => {
      // Check again: another process may be migrating, too.
      const version = this.#number('user_version');
      if (version > MIGRATIONS.length) {
        throw new MeshError(
          'version_mismatch',
          `The data in ${folder ?? 'memory'} is from a newer version. Update the mesh.`,
        );
      }
      for (const sql of MIGRATIONS.slice(version)) this.#db.exec(sql);
      this.#db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    });
    // A file of an older version does not return space unless it is rewritten.
    if (before > 0 && this.#number('auto_vacuum') === 0) this.#db.exec('PRAGMA auto_vacuum = INCREMENTAL; VACUUM;');
  }

  /** Throws when a table is damaged. Of a large file, those of the ledger are left out: they are found when they are read. */
  #check(): void {
    const tables = this.#db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[];
    const some = tables.map(({ name }) => name).filter((name) => !name.startsWith('ledger_'));
    const pragmas = this.bytes <= MAX_CHECKED_BYTES ? ['quick_check(1)'] : some.map((name) => `quick_check(${name})`);
    for (const pragma of pragmas) {
      const [check] = this.#db.prepare(`PRAGMA ${pragma}`).all() as { quick_check: string }[];
      if (check?.quick_check !== 'ok') throw new Error(`it is malformed: ${check?.quick_check ?? 'no answer'}`);
    }
  }

  /** Its failure must not hide the original error: on a full disk SQLite has already rolled back. */
  #rollBack(connection: Database.Database): void {
    try {
      if (connection.inTransaction) connection.exec('ROLLBACK');
    } catch {
      // The next BEGIN reports it.
    }
  }

  /** Writes to a deleted file are lost when this process ends. */
  #refuseElsewhere(): void {
    if (this.#file === null || this.#identities.size === 0) return;
    for (const file of [this.#file, `${this.#file}-wal`]) {
      const identity = identityOf(file);
      const known = this.#identities.get(file);
      if (known === undefined && identity !== '') this.#identities.set(file, identity);
      else if (known !== undefined && known !== identity) {
        const message = `${file} was deleted or replaced while the mesh was running, so no receipt is kept. Bring it back, or restart the mesh.`;
        throw new MeshError('busy', LATER, { cause: new Error(message) });
      }
    }
  }

  #number(pragma: string): number {
    const [row] = this.#db.prepare(`PRAGMA ${pragma}`).all() as Record<string, number>[];
    return row?.[pragma] ?? 0;
  }
}

const LATER = 'The mesh cannot keep receipts right now. LLMesh will try again.';

/** Who asked whom is private; the files that SQLite puts next to it get the same mode. */
function ownFile(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: OWNER_ONLY });
  for (const one of [file, ...BESIDE.map((end) => `${file}${end}`)]) {
    const odd = oddFile(one);
    if (odd !== null) throw new MeshError('storage_full', odd);
  }
  const { O_RDWR, O_CREAT } = constants;
  const handle = openSync(file, O_RDWR | O_CREAT | PLAIN_FILE, MODE);
  fchmodSync(handle, MODE);
  closeSync(handle);
}

/** Empty: the file does not exist. */
function identityOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.dev} ${stats.ino}`;
}

function wordsFor(cause: unknown, file: string | null): string {
  const why = (cause instanceof Error ? cause.message : String(cause)).replace(/\s+/g, ' ');
  if (/malformed|not a database|corrupt/i.test(why)) {
    return `${file} is damaged (${why}). Move it away together with the files beside it (${DATABASE_FILE}-wal, ${DATABASE_FILE}-shm) and bring back a copy of it, if you have one, before you start again. Without one the mesh begins with no receipts; its key is not touched.`;
  }
  return `Receipts cannot be kept in ${file ?? 'memory'} (${why}). Make room there, or choose another folder with --data.`;
}
