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
    this.#put = db.prepareWrite('INSERT OR REPLACE INTO allowance_given (network, day, given) VALUES (?, ?, ?)');
    this.#all = db.prepare('SELECT network, given FROM allowance_given WHERE day = ?');
    this.#forget = db.prepareWrite('DELETE FROM allowance_given WHERE day <> ?');
  }

  /** By network. */
  given(day: number): Map<string, number> {
    const rows = this.#all.all([day]) as { network: string; given: number }[];
    return new Map(rows.map(({ network, given }) => [network, given]));
  }

  /** What was given on other days is forgotten. Durable when it resolves; rejects when nothing can be written now. */
  async note(network: string, day: number, given: number): Promise<void> {
    await this.#db.write(() => {
      this.#forget.run([day]);
      this.#put.run([network, day, given]);
    });
  }
}
