/** Deliveries in `mesh.db`, for a single instance. */
import type Database from 'libsql';
import { MeshDatabase } from '../store/mesh-database.ts';
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { PeerId } from '@llmesh/core/base/ids';
import { keptOf, type Delivered, type Kept } from './delivered.ts';
import {
  changeIn,
  CHANGES,
  FIND,
  FIND_ALL,
  keptIn,
  nameOf,
  PUT,
  valuesOf,
  type ChangeRow,
  type KeptRow,
} from './delivery-rows.ts';
import {
  DELIVERY_LIMITS,
  outcomeOf,
  type DeliveryChange,
  type DeliveryLimits,
  type DeliveryStore,
  type DeliverySum,
  type Outcome,
} from './delivery-store.ts';
import { DeliverySums } from './delivery-sums.ts';
import { FILED_WITHIN_DAYS } from './receipt-limits.ts';
import { RecentChanges } from './recent-changes.ts';

/** The rows added up in one go: a few milliseconds. */
const SUM_AT_ONCE = 500;
/** The rows of a provider are counted each time that there may be a hundredth more of them. */
const COUNTED_PARTS = 100;
/** Providers whose new rows are counted apart; those of others are counted each time. */
const MAX_COUNTED = 20_000;
/** Pages of 4 KiB each, returned to the disk in one go. */
const SHRINK_PAGES = 500;

export class DeliveryTable implements DeliveryStore {
  readonly #limits: DeliveryLimits;
  readonly #db: MeshDatabase;
  readonly #sums: DeliverySums;
  readonly #find: Database.Statement;
  readonly #findAll: Database.Statement;
  readonly #put: Database.Statement;
  readonly #changes: Database.Statement;
  readonly #lastChange: Database.Statement;
  readonly #setLastChange: Database.Statement;
  /** What was written last, so that the ledger need not read it again. */
  readonly #recent = new RecentChanges();
  /** The rows of each provider since they were counted last. */
  readonly #since = new BoundedMap<PeerId, number>(MAX_COUNTED);
  /** Or fewer: a proof that replaced a lesser one counts twice until the next sweep. */
  #rows: number;

  /**
   * `database`: closed along with this one; or the folder of one, where null is in memory. Throws storage_full when it
   * cannot be written, version_mismatch when it is newer.
   */
  constructor(database: MeshDatabase | string | null, limits: Partial<DeliveryLimits> = {}) {
    this.#limits = { ...DELIVERY_LIMITS, ...limits };
    this.#db = database instanceof MeshDatabase ? database : new MeshDatabase(database);
    this.#sums = new DeliverySums(this.#db);
    this.#find = this.#db.prepare(FIND);
    this.#findAll = this.#db.prepareWrite(FIND_ALL);
    this.#put = this.#db.prepareWrite(PUT);
    this.#changes = this.#db.prepare(CHANGES);
    this.#lastChange = this.#db.prepareWrite('SELECT change FROM last_change');
    this.#setLastChange = this.#db.prepareWrite('UPDATE last_change SET change = ?');
    this.#rows = this.#sums.rows;
  }

  async file(batch: readonly Delivered[], filedMs: number): Promise<Outcome[]> {
    if (batch.length === 0) return [];
    const outcomes: Outcome[] = [];
    /** By the name of the lease, in the order of their changes. */
    const written = new Map<string, { delivered: Delivered; change: number }>();
    await this.#db.write(() => {
      // Kept apart from the rows: a number is not given again when its row was added up.
      let { change } = (this.#lastChange.all() as { change: number }[])[0]!;
      const names = batch.map(({ lease }) => nameOf(lease.nonce));
      const kept = this.#keptOf(names);
      for (const [i, delivered] of batch.entries()) {
        const name = names[i]!;
        const { provider, expiresAt } = delivered.lease;
        const outcome = outcomeOf(kept.get(name) ?? null, this.#sums.coversNow(provider, expiresAt), delivered);
        outcomes.push(outcome);
        if (outcome !== 'kept') continue;
        kept.set(name, keptOf(delivered));
        written.delete(name);
        written.set(name, { delivered, change: ++change });
      }
      if (written.size === 0) return;
      for (const { delivered, change: number } of written.values()) this.#put.run(valuesOf(delivered, filedMs, number));
      this.#setLastChange.run([change]);
      this.#keepLimits(written.values());
    });
    for (const [name, { delivered, change }] of written) this.#recent.add(name, delivered, change);
    return outcomes;
  }

  async judge(delivered: Delivered): Promise<Outcome> {
    return this.#judge(delivered);
  }

  async find(leaseNonce: Uint8Array): Promise<Kept | null> {
    return this.#kept(leaseNonce);
  }

  async changes(after: number, most: number, issuer: PeerId): Promise<DeliveryChange[]> {
    const recent = this.#recent.after(after, most, issuer);
    return recent ?? (this.#changes.all([after, most]) as ChangeRow[]).map((row) => changeIn(row, issuer));
  }

  async sums(): Promise<DeliverySum[]> {
    return this.#sums.all();
  }

  async size(): Promise<{ rows: number; bytes: number }> {
    return { rows: this.#sums.rows, bytes: this.#db.bytes };
  }

  async sweep(nowMs: number): Promise<void> {
    // A day longer than the limit for filing, so that anyone who files in time hears what is known.
    const untilS = Math.floor(nowMs / 1000) - (FILED_WITHIN_DAYS + 1) * 86_400;
    await this.#db.write(() => {
      this.#sums.addUpOldest(SUM_AT_ONCE, untilS);
      this.#sums.merge(this.#limits.sums, Math.floor(nowMs / 86_400_000));
      this.#sums.forget(untilS);
    });
    this.#rows = this.#sums.rows;
    await this.#db.shrink(SHRINK_PAGES);
  }

  async close(): Promise<void> {
    await this.#db.idle();
    this.#db.close();
  }

  #judge(delivered: Delivered): Outcome {
    const { nonce, provider, expiresAt } = delivered.lease;
    return outcomeOf(this.#kept(nonce), this.#sums.covers(provider, expiresAt), delivered);
  }

  #kept(leaseNonce: Uint8Array): Kept | null {
    // In a list: a lone buffer would be taken for named parameters.
    const row = this.#find.get([Buffer.from(leaseNonce)]) as KeptRow | undefined;
    return row === undefined ? null : keptIn(row);
  }

  #keptOf(names: readonly string[]): Map<string, Kept> {
    const rows = this.#findAll.all([JSON.stringify(names)]) as KeptRow[];
    return new Map(rows.map((row) => [nameOf(new Uint8Array(row.lease_nonce)), keptIn(row)]));
  }

  /** After these were written. */
  #keepLimits(written: Iterable<{ readonly delivered: Delivered }>): void {
    const { rows, rowsPerProvider } = this.#limits;
    const added = new Map<PeerId, number>();
    for (const { delivered } of written) {
      const { provider } = delivered.lease;
      added.set(provider, (added.get(provider) ?? 0) + 1);
      this.#rows++;
    }
    for (const [provider, more] of added) {
      // To count them takes as long as there are many, so it is not done for each.
      const since = (this.#since.get(provider) ?? 0) + more;
      if (since * COUNTED_PARTS < rowsPerProvider && this.#since.has(provider)) this.#since.set(provider, since);
      else {
        this.#since.set(provider, 0);
        this.#sums.keepNewest(provider, rowsPerProvider, Math.min(SUM_AT_ONCE, Math.ceil(rowsPerProvider / 20)));
      }
    }
    const over = this.#rows - rows;
    if (over > 0) this.#rows -= this.#sums.addUpOldest(Math.max(over, Math.min(SUM_AT_ONCE, Math.ceil(rows / 20))));
  }
}
