/** Appeals in `mesh.db`: who asked for one, about which answer, and how it was decided. Those that are open outlive a restart. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { MeshDatabase } from '../store/mesh-database.ts';
import { Statements } from '../store/statements.ts';

/** Open at the same time; each keeps five auditors busy. */
export const MAX_OPEN_APPEALS = 256;

export type Outcome = 'open' | 'upheld' | 'fallen' | 'undecided';

export interface KeptAppeal {
  /** The SHA-256 of the provider's half of the receipt of the answer that decided. */
  readonly receipt: Uint8Array;
  readonly provider: PeerId;
  readonly file: string;
  /** The owner's signed order. */
  readonly order: Uint8Array;
  readonly openedMs: number;
  readonly outcome: Outcome;
}

interface Row extends Omit<KeptAppeal, 'receipt' | 'order'> {
  receipt: ArrayBuffer;
  order: ArrayBuffer;
}

export class AppealTable {
  readonly #db: MeshDatabase;
  readonly #sql: Statements<keyof typeof SQL>;

  constructor(db: MeshDatabase) {
    this.#db = db;
    this.#sql = new Statements(db, SQL);
  }

  /** The answer by which this provider was convicted; null: its audit is no longer kept. */
  decided(provider: PeerId, file: string): Uint8Array | null {
    const [row] = this.#sql.all('decided', [provider, file]) as { receipt: ArrayBuffer }[];
    return row === undefined ? null : new Uint8Array(row.receipt);
  }

  /** The last appeal about this answer. */
  find(receipt: Uint8Array): KeptAppeal | null {
    const [row] = this.#sql.all('find', [Buffer.from(receipt)]) as Row[];
    return row === undefined ? null : appealIn(row);
  }

  /** The last appeal of this provider; null: it never appealed. */
  last(provider: PeerId): KeptAppeal | null {
    const [row] = this.#sql.all('last', [provider]) as Row[];
    return row === undefined ? null : appealIn(row);
  }

  open(): KeptAppeal[] {
    return (this.#sql.all('open', [MAX_OPEN_APPEALS]) as Row[]).map(appealIn);
  }

  /**
   * Replaces an earlier one about the same answer, which nobody could decide. Durable when it resolves; rejects when nothing can be
   * written now.
   */
  async put(appeal: KeptAppeal): Promise<void> {
    await this.#db.write(() => this.note(appeal));
  }

  /** The same within `write` of the caller. */
  note({ receipt, provider, file, order, openedMs, outcome }: KeptAppeal): void {
    this.#sql.run('put', [Buffer.from(receipt), provider, file, Buffer.from(order), openedMs, outcome]);
  }
}

function appealIn({ receipt, order, ...rest }: Row): KeptAppeal {
  return { ...rest, receipt: new Uint8Array(receipt), order: new Uint8Array(order) };
}

const COLUMNS = 'receipt, provider, file, owner_order AS "order", opened_ms AS openedMs, outcome';
const SQL = {
  decided: `SELECT audit.receipt FROM audit JOIN audit_report ON audit_report.receipt = audit.receipt
    WHERE audit.provider = ? AND audit.file = ? AND audit.verdict = 'deviates' AND audit_report.report IS NOT NULL
    GROUP BY audit.receipt HAVING count(*) >= 2 ORDER BY audit.done_ms DESC LIMIT 1`,
  find: `SELECT ${COLUMNS} FROM appeal WHERE receipt = ?`,
  last: `SELECT ${COLUMNS} FROM appeal WHERE provider = ? ORDER BY opened_ms DESC LIMIT 1`,
  open: `SELECT ${COLUMNS} FROM appeal WHERE outcome = 'open' ORDER BY opened_ms LIMIT ?`,
  put: `INSERT OR REPLACE INTO appeal (receipt, provider, file, owner_order, opened_ms, outcome) VALUES (?, ?, ?, ?, ?, ?)`,
} as const;
