/** The statements of one table: each prepared once, when it is first needed, for those who read and for `write` of the database. */
import type Database from 'libsql';
import type { MeshDatabase } from './mesh-database.ts';

type Values = readonly (string | number | Buffer | null)[];
type Prepared = Map<string, Database.Statement>;

export class Statements<Name extends string> {
  readonly #db: MeshDatabase;
  readonly #sql: Record<Name, string>;
  readonly #reading: Prepared = new Map();
  readonly #writing: Prepared = new Map();

  constructor(db: MeshDatabase, sql: Record<Name, string>) {
    this.#db = db;
    this.#sql = sql;
  }

  /** The rows that are on the disk. */
  all(name: Name, values: Values): unknown[] {
    return this.#statement(this.#reading, name, (sql) => this.#db.prepare(sql)).all(values);
  }

  /** Within `write`. */
  run(name: Name, values: Values): void {
    this.#toWrite(name).run(values);
  }

  /** Within `write`: the rows, with those that were just written. */
  written(name: Name, values: Values): unknown[] {
    return this.#toWrite(name).all(values);
  }

  #toWrite(name: Name): Database.Statement {
    return this.#statement(this.#writing, name, (sql) => this.#db.prepareWrite(sql));
  }

  #statement(prepared: Prepared, name: Name, prepare: (sql: string) => Database.Statement): Database.Statement {
    let statement = prepared.get(name);
    if (statement === undefined) prepared.set(name, (statement = prepare(this.#sql[name])));
    return statement;
  }
}
