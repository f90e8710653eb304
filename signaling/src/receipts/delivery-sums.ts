/**
 * What is left of old deliveries: how much each peer gave and got per day and kind of task. Whatever changes something runs
 * inside a `write` of its callers.
 */
import type Database from 'libsql';
import type { PeerId } from '@llmesh/core/base/ids';
import { MAX_LEASE_UNITS } from '@llmesh/core/receipts/lease';
import type { MeshDatabase } from '../store/mesh-database.ts';
import type { DeliverySum } from './delivery-store.ts';

/** Stands for all peers: no peer id is empty. */
const ALL = '';
const COLUMNS = ['gave', 'gave_units', 'got', 'got_units'] as const;
const ADDED = COLUMNS.map((column) => `${column} = ${column} + excluded.${column}`).join(', ');
const TOTALS = COLUMNS.map((column) => `sum(${column})`).join(', ');

export class DeliverySums {
  readonly #db: MeshDatabase;
  /** False: nothing was added up, as in most meshes, and nobody has to look. */
  #isAnySummed: boolean;
  readonly #covers: Database.Statement;
  readonly #coversNow: Database.Statement;
  readonly #nthNewest: Database.Statement;

  constructor(db: MeshDatabase) {
    this.#db = db;
    this.#isAnySummed = db.prepare('SELECT 1 FROM summed LIMIT 1').all().length > 0;
    this.#covers = db.prepare(COVERS);
    this.#coversNow = db.prepareWrite(COVERS);
    this.#nthNewest = db.prepareWrite(
      'SELECT expires_s FROM delivery WHERE provider = ? ORDER BY expires_s DESC LIMIT 1 OFFSET ?',
    );
  }

  get rows(): number {
    return countIn(this.#db.prepare('SELECT count(*) AS n FROM delivery'));
  }

  covers(provider: PeerId, expiresAt: number): boolean {
    return this.#isAnySummed && this.#covers.get([ALL, provider, expiresAt]) !== undefined;
  }

  /** The same inside a `write`, with what that has changed so far. */
  coversNow(provider: PeerId, expiresAt: number): boolean {
    return this.#isAnySummed && this.#coversNow.get([ALL, provider, expiresAt]) !== undefined;
  }

  /** Beyond `most` rows of this provider the oldest are added up, at least `atOnce` of them. */
  keepNewest(provider: PeerId, most: number, atOnce: number): void {
    const over = this.#nthNewest.get([provider, most]) as { expires_s: number } | undefined;
    if (over === undefined) return;
    const [cut] = this.#nthNewest.all([provider, most - atOnce]) as { expires_s: number }[];
    this.#addUp(provider, cut?.expires_s ?? over.expires_s);
  }

  /** Adds up at least this many of the oldest rows, if they end by then. Returns how many there were. */
  addUpOldest(atOnce: number, untilS = Number.MAX_SAFE_INTEGER): number {
    const oldest = this.#db.prepareWrite('SELECT expires_s FROM delivery ORDER BY expires_s LIMIT 1 OFFSET ?');
    const [cut] = oldest.all([atOnce - 1]) as { expires_s: number }[];
    const [last] = cut === undefined ? (this.#db.prepareWrite(LAST).all() as { expires_s: number | null }[]) : [cut];
    return last?.expires_s == null ? 0 : this.#addUp(null, Math.min(last.expires_s, untilS));
  }

  /** Beyond `most` sums, those of old days lose their day, then those of the smallest peers their name. */
  merge(most: number, today: number): void {
    let over = countIn(this.#db.prepareWrite('SELECT count(*) AS n FROM delivery_sum')) - most;
    while (over > 0) {
      const [oldest] = this.#db.prepareWrite('SELECT min(day) AS day FROM delivery_sum WHERE day > 0').all() as Days;
      if (oldest?.day == null || oldest.day >= today) break;
      this.#move('day = ?', 'peer, 0', [oldest.day]);
      over = countIn(this.#db.prepareWrite('SELECT count(*) AS n FROM delivery_sum')) - most;
    }
    if (over <= 0) return;
    const smallest = `SELECT peer FROM delivery_sum WHERE peer <> '' GROUP BY peer
      ORDER BY sum(gave_units + got_units), peer LIMIT ?`;
    // Move some more at once, so that it is not needed every time.
    this.#move(`peer IN (${smallest})`, `'${ALL}', 0`, [over + Math.ceil(most / 10)]);
  }

  /** Forgets old limits up to which rows of single providers were added up: nobody files those any more. */
  forget(untilS: number): void {
    this.#db.prepareWrite('DELETE FROM summed WHERE until_s <= ?').run([untilS]);
  }

  all(): DeliverySum[] {
    return this.#db.prepare('SELECT * FROM delivery_sum ORDER BY peer, day, task').all() as DeliverySum[];
  }

  /** Adds up all rows of this provider, or of all providers, whose leases ended by then. */
  #addUp(provider: PeerId | null, untilS: number): number {
    const where = provider === null ? 'expires_s <= ?' : 'expires_s <= ? AND provider = ?';
    const values = provider === null ? [untilS] : [untilS, provider];
    // Keeps every sum small enough for SQLite, whatever older versions took in.
    const units = `sum(min(units, ${MAX_LEASE_UNITS}))`;
    for (const [peer, did] of [
      ['provider', 'gave'],
      ['requester', 'got'],
    ] as const) {
      const from = `SELECT ${peer}, expires_s / 86400, task, count(*), ${units} FROM delivery WHERE ${where} GROUP BY 1, 2, 3`;
      this.#db
        .prepareWrite(
          `INSERT INTO delivery_sum (peer, day, task, ${did}, ${did}_units) ${from}
           ON CONFLICT (peer, day, task) DO UPDATE SET ${ADDED}`,
        )
        .run(values);
    }
    const { changes } = this.#db.prepareWrite(`DELETE FROM delivery WHERE ${where}`).run(values);
    if (changes > 0) {
      // It stays so when this is rolled back: then one looks for nothing.
      this.#isAnySummed = true;
      this.#db
        .prepareWrite(
          `INSERT INTO summed (provider, until_s) VALUES (?, ?)
           ON CONFLICT (provider) DO UPDATE SET until_s = max(until_s, excluded.until_s)`,
        )
        .run([provider ?? ALL, untilS]);
    }
    return changes;
  }

  /** Moves the totals of these to another peer or day. */
  #move(where: string, to: string, values: (string | number)[]): void {
    const from = `SELECT ${to}, task, ${TOTALS} FROM delivery_sum WHERE ${where} GROUP BY 1, 2, 3`;
    this.#db
      .prepareWrite(
        `INSERT INTO delivery_sum (peer, day, task, ${COLUMNS.join(', ')}) ${from}
         ON CONFLICT (peer, day, task) DO UPDATE SET ${ADDED}`,
      )
      .run(values);
    this.#db.prepareWrite(`DELETE FROM delivery_sum WHERE ${where}`).run(values);
  }
}

function countIn(statement: Database.Statement): number {
  const [row] = statement.all() as { n: number }[];
  return row?.n ?? 0;
}

type Days = { day: number | null }[];

const LAST = 'SELECT max(expires_s) AS expires_s FROM delivery';
const COVERS = 'SELECT 1 FROM summed WHERE provider IN (?, ?) AND until_s >= ?';
