/** Copies of models that were found where they should be, in `mesh.db`, until they are paid for: a restart costs no keeper its hour. */
import type Database from 'libsql';
import type { ContentId, PeerId } from '@llmesh/core/base/ids';
import type { MeshDatabase } from './mesh-database.ts';

/** Copies that are noted in one hour; whoever comes after so many is not paid for it. */
const MAX_NOTED = 20_000;

export interface KeptCopy {
  readonly keeper: PeerId;
  readonly content: ContentId;
  /** The keeper's: copies in one network count as one. */
  readonly network: string;
  readonly sizeBytes: number;
  /** The signed report of who found it there. */
  readonly report: Uint8Array;
}

export class KeptTable {
  readonly #db: MeshDatabase;
  readonly #put: Database.Statement;
  readonly #of: Database.Statement;
  readonly #count: Database.Statement;
  readonly #forget: Database.Statement;

  constructor(db: MeshDatabase) {
    this.#db = db;
    this.#put = db.prepareWrite(
      'INSERT OR IGNORE INTO kept_copy (epoch, keeper, content, network, size_bytes, report) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#of = db.prepare('SELECT keeper, content, network, size_bytes, report FROM kept_copy WHERE epoch = ?');
    this.#count = db.prepare('SELECT count(*) AS count FROM kept_copy WHERE epoch = ?');
    this.#forget = db.prepareWrite('DELETE FROM kept_copy WHERE epoch <= ?');
  }

  /** The first report about a copy in an hour counts. Rejects with storage_full. */
  async note(epoch: number, { keeper, content, network, sizeBytes, report }: KeptCopy): Promise<void> {
    const { count } = this.#count.get([epoch]) as { count: number };
    if (count >= MAX_NOTED) return;
    await this.#db.write(() => this.#put.run([epoch, keeper, content, network, sizeBytes, Buffer.from(report)]));
  }

  of(epoch: number): KeptCopy[] {
    const rows = this.#of.all([epoch]) as (KeptCopy & { size_bytes: number })[];
    return rows.map(({ keeper, content, network, size_bytes: sizeBytes, report }) => ({
      ...{ keeper, content, network, sizeBytes },
      report: new Uint8Array(report),
    }));
  }

  /** This hour and all before. */
  async forget(epoch: number): Promise<void> {
    await this.#db.write(() => this.#forget.run([epoch]));
  }
}
