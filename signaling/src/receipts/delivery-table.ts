/**
 * What was delivered, on disk: of each lease one row with its proof, in the order in which they were first filed. The
 * ledger posts from here. There are only so many; of more, the oldest are added up.
 */
import type Database from 'libsql';
import type { PeerId, TaskId } from '@llmesh/core/base/ids';
import type { Delivered, Kept } from './delivered.ts';
import { DeliverySums, type DeliverySum } from './delivery-sums.ts';
import { MeshDatabase } from '../store/mesh-database.ts';
import { FILED_WITHIN_DAYS } from './receipt-limits.ts';

export interface DeliveryLimits {
  /** Rows, of about 1.1 KB each. */
  rows: number;
  /** The rows of one provider: nobody pushes the others out by filing much. */
  rowsPerProvider: number;
  /** A peer's day each, of about 100 bytes. */
  sums: number;
}
export const DELIVERY_LIMITS: DeliveryLimits = { rows: 250_000, rowsPerProvider: 5_000, sums: 200_000 };

/** Added up in one go: a few milliseconds. */
const SUM_AT_ONCE = 500;
/** Pages of 4 KiB each, given back to the disk in one go. */
const SHRINK_PAGES = 500;

const COLUMNS = [
  ...['lease_nonce', 'task', 'requester', 'provider', 'model', 'price', 'kind', 'tokens', 'digest'],
  ...['prompt_tokens', 'started_ms', 'ended_ms'],
  ...['lease', 'acknowledgement', 'provider_half', 'requester_half', 'filed_ms', 'expires_s'],
];

export class DeliveryTable {
  readonly #limits: DeliveryLimits;
  readonly #db: MeshDatabase;
  readonly #sums: DeliverySums;
  readonly #find: Database.Statement;
  readonly #put: Database.Statement;
  /** Or fewer: what took the place of a lesser proof counts twice until the next sweep. */
  #rows: number;

  /** `folder` null: in memory. Throws storage_full when it cannot be written, version_mismatch when it is newer. */
  constructor(folder: string | null, limits: Partial<DeliveryLimits> = {}) {
    this.#limits = { ...DELIVERY_LIMITS, ...limits };
    this.#db = new MeshDatabase(folder);
    this.#sums = new DeliverySums(this.#db);
    this.#find = this.#db.prepare(
      'SELECT kind, task, tokens, digest, requester, provider FROM delivery WHERE lease_nonce = ?',
    );
    const marks = COLUMNS.map(() => '?').join(', ');
    const updates = COLUMNS.slice(1).map((column) => `${column} = excluded.${column}`);
    this.#put = this.#db.prepare(
      `INSERT INTO delivery (${COLUMNS.join(', ')}) VALUES (${marks})
       ON CONFLICT (lease_nonce) DO UPDATE SET ${updates.join(', ')}`,
    );
    this.#rows = this.#sums.rows;
  }

  /** Proofs that are kept whole. */
  get rows(): number {
    return this.#sums.rows;
  }

  /** On the disk. */
  get bytes(): number {
    return this.#db.bytes;
  }

  /** What was added up, by peer and day. */
  sums(): DeliverySum[] {
    return this.#sums.all();
  }

  /** What is kept for this lease; null: nothing. */
  find(leaseNonce: Uint8Array): Kept | null {
    // In a list: a lone buffer would be taken for named parameters.
    const [row] = this.#find.all([Buffer.from(leaseNonce)]) as Row[];
    if (row === undefined) return null;
    const { kind, task, tokens, digest, requester, provider } = row;
    return { kind, taskId: task, units: tokens, digest: new Uint8Array(digest), requester, provider };
  }

  /** Whether of a lease of this provider that ends then there may be nothing any more but its part of a sum. */
  isSummed(provider: PeerId, expiresAt: number): boolean {
    return this.#sums.covers(provider, expiresAt);
  }

  /** In place of what was kept for its lease. */
  put(delivered: Delivered, filedMs: number): void {
    const { lease, leaseBytes, kind, taskId, units, digest } = delivered;
    const { nonce, requester, provider, model, price, expiresAt } = lease;
    const receipt = kind === 'receipt' ? delivered : null;
    const part = kind === 'acknowledgement' ? delivered : null;
    this.#put.run([
      ...[Buffer.from(nonce), taskId, requester, provider, model, price, kind, units, Buffer.from(digest)],
      ...[receipt?.inputUnits ?? null, receipt?.startedMs ?? null, receipt?.endedMs ?? null],
      ...[Buffer.from(leaseBytes), blob(part?.acknowledgement)],
      ...[blob(receipt?.providerHalf), blob(receipt?.requesterHalf), filedMs, expiresAt],
    ]);
    this.#rows++;
    const { rows, rowsPerProvider } = this.#limits;
    this.#sums.keepNewest(provider, rowsPerProvider, Math.min(SUM_AT_ONCE, Math.ceil(rowsPerProvider / 20)));
    if (this.#rows > rows) this.#rows -= this.#sums.addUpOldest(Math.min(SUM_AT_ONCE, Math.ceil(rows / 20)));
  }

  /** All of it or nothing. Durable when it returns. Throws busy when it is not where it was. */
  transact(run: () => void): void {
    this.#db.transact(run);
  }

  /** Adds up what nobody may file any more, some of it at a time, and gives room back. Call it now and then. */
  sweep(nowMs: number): void {
    // A day longer than it may be filed, so that whoever files in time is told what is known.
    const untilS = Math.floor(nowMs / 1000) - (FILED_WITHIN_DAYS + 1) * 86_400;
    this.#db.transact(() => {
      this.#sums.addUpOldest(SUM_AT_ONCE, untilS);
      this.#sums.merge(this.#limits.sums, Math.floor(nowMs / 86_400_000));
      this.#sums.forget(untilS);
    });
    this.#rows = this.#sums.rows;
    this.#db.shrink(SHRINK_PAGES);
  }

  /** Idempotent. */
  close(): void {
    this.#db.close();
  }
}

interface Row {
  kind: Delivered['kind'];
  task: TaskId;
  tokens: number;
  digest: ArrayBuffer;
  requester: PeerId;
  provider: PeerId;
}

function blob(bytes: Uint8Array | undefined): Buffer | null {
  return bytes === undefined ? null : Buffer.from(bytes);
}
