/**
 * What was delivered, on disk: of each lease one row with its proof, in the order in which they were first filed. The
 * ledger posts from here.
 */
import { closeSync, fchmodSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import Database from 'libsql';
import { MeshError } from '@llmesh/core/errors';
import type { TaskId } from '@llmesh/core/ids';
import type { Delivered, Standing } from './delivered.ts';

const FILE = 'mesh.db';
const MODE = 0o600;
const VERSION = 1;
/** For another process that looks into the file. */
const BUSY_MS = 1_000;

const SCHEMA = `
  CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    lease_nonce BLOB NOT NULL UNIQUE,
    task TEXT NOT NULL,
    requester TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    price INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('acknowledgement', 'receipt')),
    tokens INTEGER NOT NULL CHECK (tokens >= 0),
    digest BLOB NOT NULL,
    prompt_tokens INTEGER,
    started_ms INTEGER,
    ended_ms INTEGER,
    lease BLOB NOT NULL,
    acknowledgement BLOB,
    provider_half BLOB,
    requester_half BLOB,
    filed_ms INTEGER NOT NULL,
    CHECK ((kind = 'receipt') = (provider_half IS NOT NULL AND requester_half IS NOT NULL)),
    CHECK ((kind = 'acknowledgement') = (acknowledgement IS NOT NULL))
  ) STRICT;
  PRAGMA user_version = ${VERSION};`;

const COLUMNS = [
  ...['lease_nonce', 'task', 'requester', 'provider', 'model', 'price', 'kind', 'tokens', 'digest'],
  ...['prompt_tokens', 'started_ms', 'ended_ms'],
  ...['lease', 'acknowledgement', 'provider_half', 'requester_half', 'filed_ms'],
];

export class DeliveryTable {
  readonly #db: Database.Database;
  readonly #find: Database.Statement;
  readonly #put: Database.Statement;
  #open = true;

  /** `folder` null: in memory. Throws storage_full when it cannot be written, version_mismatch when it is newer. */
  constructor(folder: string | null) {
    try {
      this.#db = new Database(folder === null ? ':memory:' : ownFile(folder));
      // What was answered with `filed` outlives the power cut that follows.
      this.#db.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;`);
      this.#migrate(folder);
    } catch (cause) {
      if (cause instanceof MeshError) throw cause;
      const message = `Receipts cannot be kept in ${folder ?? 'memory'} (${String(cause)}). Choose another folder with --data.`;
      throw new MeshError('storage_full', message, { cause });
    }
    this.#find = this.#db.prepare('SELECT kind, task, tokens, digest FROM delivery WHERE lease_nonce = ?');
    const marks = COLUMNS.map(() => '?').join(', ');
    const updates = COLUMNS.slice(1).map((column) => `${column} = excluded.${column}`);
    this.#put = this.#db.prepare(
      `INSERT INTO delivery (${COLUMNS.join(', ')}) VALUES (${marks})
       ON CONFLICT (lease_nonce) DO UPDATE SET ${updates.join(', ')}`,
    );
  }

  /** What is kept for this lease; null: nothing. */
  find(leaseNonce: Uint8Array): Standing | null {
    // In a list: a lone buffer would be taken for named parameters.
    const [row] = this.#find.all([Buffer.from(leaseNonce)]) as Row[];
    if (row === undefined) return null;
    return { kind: row.kind, taskId: row.task, tokens: row.tokens, digest: new Uint8Array(row.digest) };
  }

  /** In place of what was kept for its lease. */
  put(delivered: Delivered, filedMs: number): void {
    const { lease, leaseBytes, kind, taskId, tokens, digest } = delivered;
    const { nonce, requester, provider, model, price } = lease;
    const receipt = kind === 'receipt' ? delivered : null;
    const part = kind === 'acknowledgement' ? delivered : null;
    this.#put.run([
      ...[Buffer.from(nonce), taskId, requester, provider, model, price, kind, tokens, Buffer.from(digest)],
      ...[receipt?.promptTokens ?? null, receipt?.startedMs ?? null, receipt?.endedMs ?? null],
      ...[Buffer.from(leaseBytes), blob(part?.acknowledgement)],
      ...[blob(receipt?.providerHalf), blob(receipt?.requesterHalf), filedMs],
    ]);
  }

  /** All of it or nothing. Durable when it returns. */
  transact(run: () => void): void {
    this.#db.transaction(run).immediate();
  }

  /** Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#db.close();
  }

  #migrate(folder: string | null): void {
    // In one go: another process may be at it, too.
    this.transact(() => {
      const [row] = this.#db.prepare('PRAGMA user_version').all() as { user_version: number }[];
      const version = row?.user_version ?? 0;
      if (version > VERSION) {
        throw new MeshError(
          'version_mismatch',
          `The data in ${folder ?? 'memory'} is of a newer version. Update the mesh.`,
        );
      }
      if (version === 0) this.#db.exec(SCHEMA);
    });
  }
}

/** Who asked whom is nobody else's business; what SQLite puts beside it has the same mode. */
function ownFile(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, FILE);
  const handle = openSync(file, 'a', MODE);
  fchmodSync(handle, MODE);
  closeSync(handle);
  return file;
}

interface Row {
  kind: Delivered['kind'];
  task: TaskId;
  tokens: number;
  digest: ArrayBuffer;
}

function blob(bytes: Uint8Array | undefined): Buffer | null {
  return bytes === undefined ? null : Buffer.from(bytes);
}
