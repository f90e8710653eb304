/**
 * What audits have led to and the ledger does not have yet, in `mesh.db`: it is written together with what it follows from,
 * so that neither a fee nor a slashing is lost when the process ends in between.
 */
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import {
  MAX_EVENT_BYTES,
  MAX_REPORTS,
  MAX_REVERSED,
  readEvent,
  writeEvent,
  type EventBody,
} from '@llmesh/core/ledger/event';
import type { MeshDatabase } from '../../store/mesh-database.ts';
import { Statements } from '../../store/statements.ts';

/** All of a slash but its reports, with room to spare. */
const REST_OF_SLASH_BYTES = 1_536;
/** Taken at once. */
const MOST = 64;
/** In place of the index of an event: there is none, and there will be none. */
const NEVER = -1;
/** The ledger has it already, from before we were interrupted, at an index that we do not know. */
const SOMEWHERE = -2;

export interface Due {
  readonly id: number;
  readonly body: EventBody;
}

/** A conviction. */
export interface Slashing {
  readonly provider: PeerId;
  readonly file: string;
  readonly reason: string;
  readonly recordedMs: number;
}

/** What a conviction rests on. */
export interface Conviction {
  readonly model: ModelId;
  /** Of one answer, each by another auditor. */
  readonly reports: readonly Uint8Array[];
  /** The leases of all answers that were found wrong, the last ones first. */
  readonly leases: readonly Uint8Array[];
}

/** A slashing that is in the ledger. */
export interface Carried {
  readonly provider: PeerId;
  readonly file: string;
  /** The index of its event; null: it is not known. */
  readonly event: number | null;
}

export class DueTable {
  readonly #db: MeshDatabase;
  readonly #sql: Statements<keyof typeof SQL>;

  constructor(db: MeshDatabase) {
    this.#db = db;
    this.#sql = new Statements(db, SQL);
  }

  /** Within `write` of the caller. */
  owe(bodies: readonly EventBody[]): void {
    for (const body of bodies) this.#sql.run('owe', [eventOf(body)]);
  }

  /** Within `write` of the caller: for this report, unless its auditor is found to lie by then. */
  oweFee(auditor: PeerId, report: Uint8Array, fromMs: number): void {
    this.#sql.run('oweFee', [Buffer.from(writeEvent({ kind: 'audit-fee', report, ms: 0 })), auditor, fromMs]);
  }

  /** Within `write` of the caller: it lies, and what is withheld from it is never paid. */
  forfeit(auditor: PeerId): void {
    this.#sql.run('forfeit', [auditor]);
  }

  /** The oldest ones that are due by now. */
  dues(nowMs: number): Due[] {
    return (this.#sql.all('dues', [nowMs, MOST]) as { id: number; event: ArrayBuffer }[]).map(({ id, event }) => {
      const read = readEvent(new Uint8Array(event));
      // Only `owe` writes here.
      if (read === null) throw new Error(`The row ${id} of audit_due is no event.`);
      const { ms: _, ...body } = read;
      return { id, body };
    });
  }

  /** These are in the ledger, or never will be. Durable when it resolves; rejects when nothing can be written now. */
  async done(ids: readonly number[]): Promise<void> {
    await this.#db.write(() => {
      for (const id of ids) this.#sql.run('done', [id]);
    });
  }

  /** Convictions that were recorded, also while there was no ledger, and are not carried out. */
  slashings(): Slashing[] {
    return this.#sql.all('slashings', [MOST]) as Slashing[];
  }

  /** Null: too little is left of its audits. */
  conviction({ provider, file }: Slashing): Conviction | null {
    const [decided] = this.#sql.all('decided', [provider, file]) as { receipt: ArrayBuffer; model: ModelId }[];
    if (decided === undefined) return null;
    const reports = this.#sql.all('reports', [Buffer.from(decided.receipt), MAX_REPORTS]) as { report: ArrayBuffer }[];
    const leases = this.#sql.all('leases', [provider, file, MAX_REVERSED]) as { lease: ArrayBuffer }[];
    return {
      model: decided.model,
      reports: thatFit(reports.map(({ report }) => new Uint8Array(report))),
      leases: leases.map(({ lease }) => new Uint8Array(lease)),
    };
  }

  /** It is in the ledger at this index, or at one that is not known, and these follow. As `done`. */
  carriedOut(slashing: Slashing, event: number | null, dues: readonly EventBody[]): Promise<void> {
    return this.#mark(slashing, event ?? SOMEWHERE, dues);
  }

  /** It never will be. As `done`. */
  dropped(slashing: Slashing): Promise<void> {
    return this.#mark(slashing, NEVER, []);
  }

  /** Those that stand, the last ones last. */
  carried(): Carried[] {
    return carriedIn(this.#sql.all('carried', [NEVER]));
  }

  /** Within `write` of the caller: what was slashed is given back, for this reason; what was not yet slashed never will be. */
  undo(provider: PeerId, reason: string): void {
    for (const one of carriedIn(this.#sql.written('carried', [NEVER])))
      if (one.provider === provider) this.undoOne(provider, one.file, reason);
    this.#sql.run('drop', [NEVER, provider]);
  }

  /** The same for one file, if it was slashed for that. */
  undoOne(provider: PeerId, file: string, reason: string): void {
    if (!carriedIn(this.#sql.written('carried', [NEVER])).some((one) => one.provider === provider && one.file === file))
      return;
    const leases = this.#sql.written('leases', [provider, file, MAX_REVERSED]) as { lease: ArrayBuffer }[];
    this.owe(
      leases.map(({ lease }) => ({
        ...{ kind: 'reverse', provider, leases: [new Uint8Array(lease)], undo: true, file, reason },
      })),
    );
    this.#sql.run('undone', [provider, file]);
  }

  async #mark({ provider, file, recordedMs }: Slashing, event: number, dues: readonly EventBody[]): Promise<void> {
    await this.#db.write(() => {
      this.#sql.run('carry', [event, provider, file, recordedMs]);
      this.owe(dues);
    });
  }
}

function carriedIn(rows: unknown[]): Carried[] {
  return (rows as { provider: PeerId; file: string; event: number }[]).map(({ event, ...one }) => ({
    ...one,
    event: event === SOMEWHERE ? null : event,
  }));
}

/** When it happens, the ledger says. */
function eventOf(body: EventBody): Buffer {
  return Buffer.from(writeEvent({ ...body, ms: 0 }));
}

/** As many as one event holds: always two of them. */
function thatFit(reports: readonly Uint8Array[]): Uint8Array[] {
  let left = MAX_EVENT_BYTES - REST_OF_SLASH_BYTES;
  return reports.filter(({ byteLength }) => {
    left -= byteLength + 3;
    return left >= 0;
  });
}

const SQL = {
  dues: 'SELECT id, event FROM audit_due WHERE from_ms <= ? ORDER BY id LIMIT ?',
  slashings: `SELECT provider, file, reason, recorded_ms AS recordedMs FROM slashing
    WHERE event IS NULL ORDER BY recorded_ms LIMIT ?`,
  decided: `SELECT audit.receipt, audit.model FROM audit JOIN audit_report ON audit_report.receipt = audit.receipt
    WHERE audit.provider = ? AND audit.file = ? AND audit.verdict = 'deviates' AND audit_report.report IS NOT NULL
    GROUP BY audit.receipt HAVING count(*) >= 2 ORDER BY audit.done_ms DESC LIMIT 1`,
  reports: 'SELECT report FROM audit_report WHERE receipt = ? AND report IS NOT NULL ORDER BY filed_ms LIMIT ?',
  leases: `SELECT lease_nonce AS lease FROM audit WHERE provider = ? AND file = ? AND verdict = 'deviates'
    ORDER BY done_ms DESC LIMIT ?`,
  carried: 'SELECT provider, file, event FROM slashing WHERE event <> ? AND undone = 0 ORDER BY recorded_ms',
  owe: 'INSERT INTO audit_due (event) VALUES (?)',
  oweFee: 'INSERT INTO audit_due (event, auditor, from_ms) VALUES (?, ?, ?)',
  forfeit: 'DELETE FROM audit_due WHERE auditor = ?',
  done: 'DELETE FROM audit_due WHERE id = ?',
  carry: 'UPDATE slashing SET event = ? WHERE provider = ? AND file = ? AND recorded_ms = ?',
  undone: 'UPDATE slashing SET undone = 1 WHERE provider = ? AND file = ? AND event IS NOT NULL',
  drop: 'UPDATE slashing SET event = ? WHERE provider = ? AND event IS NULL',
} as const;
