/** How many newcomers of each network had an allowance today, in `mesh.db`: a restart gives nobody another one. */
import type Database from 'libsql';
import type { MeshDatabase } from './mesh-database.ts';

export class AllowanceTable {
  readonly #db: MeshDatabase;
  readonly #put: Database.Statement;
  readonly #all: Database.Statement;
  readonly #forget: Database.Statement;

  constructor(db: MeshDatabase) {
    this.#db = db;
    this.#put = db.prepare('INSERT OR REPLACE INTO allowance_given (network, day, given) VALUES (?, ?, ?)');
    this.#all = db.prepare('SELECT network, given FROM allowance_given WHERE day = ?');
    this.#forget = db.prepare('DELETE FROM allowance_given WHERE day <> ?');
  }

  /** By network. What was given on other days is forgotten. */
  given(day: number): Map<string, number> {
    this.#db.transact(() => this.#forget.run([day]));
    const rows = this.#all.all([day]) as { network: string; given: number }[];
    return new Map(rows.map(({ network, given }) => [network, given]));
  }

  note(network: string, day: number, given: number): void {
    this.#db.transact(() => this.#put.run([network, day, given]));
  }
}
