/**
 * The audits in `mesh.db`: which answers were drawn, what each auditor reported, how every provider stands with each
 * file. What is written is durable when its promise resolves, so that a conviction survives the loss of power; it rejects when
 * nothing can be written now. All of it is bounded: the oldest audits go first, while standings of the convicted stay.
 */
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import type { EngineName } from '@llmesh/core/proof/engine-name';
import type { Verdict } from '@llmesh/core/proof/verdict';
import type { MeshDatabase } from '../store/mesh-database.ts';
import { Statements } from '../store/statements.ts';
import type { Judgement } from './judgement.ts';
import { AppealTable } from './appeal-table.ts';
import { DueTable } from './dues/due-table.ts';
import { NEW_AUDITOR, type AuditorState } from '@llmesh/core/proof/auditor-standing';
import { MAX_AUDITORS } from './auditors/auditor-records.ts';
import type { DrawnAuditor, OpenAudit } from './auditors/open-audits.ts';
import { MAX_PAIRS, readHistogram, type PairFigures } from './figures/pair-figures.ts';
import type { Aftermath, Slashing } from './settlement.ts';
import type { KeptStanding } from './kept-standing.ts';
import { MAX_STANDINGS } from './standings.ts';

/** Audits that are kept, about 1 KB each with their reports. */
const MAX_AUDITS = 100_000;
/** So many are dropped at once. */
const DROPPED = 1_000;

export interface KeptReport {
  readonly auditor: PeerId;
  readonly digest: Uint8Array;
  readonly verdict: Verdict;
  readonly log10E: number;
  readonly why: string;
  /** The signed bytes. They stay where they speak against a provider: whoever doubts the verdict recounts it. */
  readonly report: Uint8Array;
}

interface AuditRow {
  receipt: ArrayBuffer;
  lease_nonce: ArrayBuffer;
  draw: ArrayBuffer;
  provider: PeerId;
  requester: PeerId;
  model: ModelId;
  file: string;
  engine: EngineName;
  work: number;
  auditors: string;
  networks: string;
  drawn_ms: number;
}

interface FindingRow {
  auditor: PeerId;
  verdict: Verdict;
  log10_e: number;
  digest: ArrayBuffer;
}

interface WholeRow {
  auditor: PeerId;
  report: ArrayBuffer;
}

export class AuditTable {
  readonly #db: MeshDatabase;
  readonly #sql: Statements<keyof typeof SQL>;
  /** What the ledger is to hear of it. */
  readonly dues: DueTable;
  readonly appeals: AppealTable;
  #audits: number;

  constructor(db: MeshDatabase) {
    this.#db = db;
    this.#sql = new Statements(db, SQL);
    this.dues = new DueTable(db);
    this.appeals = new AppealTable(db);
    this.#audits = counted(this.#sql.all('count', []));
  }

  /** These were drawn, or more auditors for them. */
  async draw(audits: readonly OpenAudit[]): Promise<void> {
    this.#audits = await this.#db.write(() => {
      for (const audit of audits) {
        const { receipt, leaseNonce, draw, provider, requester, model, file, engine, work, auditors, drawnMs } = audit;
        const blobs = [receipt, leaseNonce, draw].map((bytes) => Buffer.from(bytes));
        const ends = [provider.peerId, requester.peerId, model, file, engine, work];
        const networks = JSON.stringify([provider.network, requester.network]);
        this.#sql.run('draw', [...blobs, ...ends, JSON.stringify(auditors), networks, drawnMs]);
      }
      const audited = this.#audits + audits.length;
      if (audited <= MAX_AUDITS) return audited;
      this.#sql.run('dropReports', [DROPPED]);
      this.#sql.run('drop', [DROPPED]);
      return counted(this.#sql.written('count', []));
    });
  }

  /** What one auditor reported, and what its pair of engines measured: null where it could not check. */
  async report(receipt: Uint8Array, report: KeptReport, pair: PairFigures | null, filedMs: number): Promise<void> {
    const { auditor, digest, verdict, log10E, why } = report;
    await this.#db.write(() => {
      const what = [auditor, Buffer.from(digest), verdict, log10E, why, Buffer.from(report.report), filedMs];
      this.#sql.run('report', [Buffer.from(receipt), ...what]);
      if (pair === null) return;
      const { provider, mode, file, agrees, deviates, unknown, tokens, deviation, histogram } = pair;
      const counts = [agrees, deviates, unknown, tokens, deviation, JSON.stringify(histogram)];
      this.#sql.run('pair', [provider, pair.auditor, mode, file, ...counts]);
    });
  }

  /** An audit is over: its outcome, and all that follows from it. */
  async settle(aftermath: Aftermath, nowMs: number): Promise<void> {
    const { receipt, settled, standing, auditors, slashing, fees, liars } = aftermath;
    await this.#db.write(() => {
      const reports = reportsIn(this.#sql.written('whole', [Buffer.from(receipt)]));
      for (const auditor of fees.auditors) {
        const report = reports.get(auditor);
        if (report !== undefined) this.dues.oweFee(auditor, report, fees.fromMs);
      }
      for (const liar of liars) this.dues.forfeit(liar);
      this.#sql.run('shorten', [Buffer.from(receipt)]);
      this.#sql.run('settle', [nowMs, settled.verdict, settled.log10E, Buffer.from(receipt)]);
      if (standing !== null) {
        const { provider, file, level, state, model } = standing;
        this.#sql.run('stand', [provider, file, level, JSON.stringify(state), model, nowMs]);
      }
      for (const [peer, record] of auditors) this.#runAuditor(peer, record, nowMs);
      if (slashing === null) return;
      const { provider, file, percent, reason } = slashing;
      this.#sql.run('slash', [provider, file, percent, reason, nowMs]);
    });
  }

  /** Those that were drawn since, and are not over: their auditors may still report. */
  open(sinceMs: number): OpenAudit[] {
    return (this.#sql.all('open', [sinceMs]) as AuditRow[]).map((row) => this.#auditIn(row));
  }

  /** Also when it is over; null: it is not kept any more. */
  find(receipt: Uint8Array): OpenAudit | null {
    const [row] = this.#sql.all('one', [Buffer.from(receipt)]) as AuditRow[];
    return row === undefined ? null : this.#auditIn(row);
  }

  /** An appeal is decided: the outcome, and all that follows from it. */
  async decideAppeal(decided: Judgement, nowMs: number): Promise<void> {
    const { appeal, auditors, liars, due } = decided;
    const { provider, file, receipt } = appeal;
    await this.#db.write(() => {
      this.appeals.note(appeal);
      for (const [peer, record] of auditors) this.#runAuditor(peer, record, nowMs);
      for (const liar of liars) this.dues.forfeit(liar);
      if (appeal.outcome === 'fallen') {
        // First, since the treasury pays the auditors of what is left then.
        this.dues.undoOne(provider, file, FALLEN);
        this.#sql.run('forgiveFile', [provider, file]);
        this.#sql.run('right', [Buffer.from(receipt)]);
      }
      if (due !== null) this.dues.owe([due]);
      this.#sql.run('shorten', [Buffer.from(receipt)]);
    });
  }

  #auditIn(row: AuditRow): OpenAudit {
    const [providerNetwork = '', requesterNetwork = ''] = JSON.parse(row.networks) as string[];
    const findings = this.#sql.all('findings', [Buffer.from(row.receipt)]) as FindingRow[];
    const { provider, requester, model, file, engine, work } = row;
    return {
      receipt: new Uint8Array(row.receipt),
      leaseNonce: new Uint8Array(row.lease_nonce),
      draw: new Uint8Array(row.draw),
      provider: { peerId: provider, network: providerNetwork },
      requester: { peerId: requester, network: requesterNetwork },
      ...{ model, file, engine, work },
      auditors: JSON.parse(row.auditors) as DrawnAuditor[],
      drawnMs: row.drawn_ms,
      findings: findings.map(({ log10_e: log10E, digest, ...rest }) => ({
        ...rest,
        log10E,
        digest: new Uint8Array(digest),
      })),
    };
  }

  /** The signed bytes of what was reported about this answer, as far as they are kept. */
  reports(receipt: Uint8Array): Map<PeerId, Uint8Array> {
    return reportsIn(this.#sql.all('whole', [Buffer.from(receipt)]));
  }

  /** What was found about these counts no longer, and what they lost for it comes back. What was found stays on record. */
  async forgive(providers: readonly PeerId[]): Promise<void> {
    if (providers.length === 0) return;
    await this.#db.write(() => {
      for (const provider of providers) {
        this.dues.undo(provider, FORGIVEN);
        this.#sql.run('forgive', [provider]);
      }
    });
  }

  standings(): KeptStanding[] {
    const rows = this.#sql.all('standings', [2 * MAX_STANDINGS]) as (Omit<KeptStanding, 'state'> & { state: string })[];
    return rows.map(({ state, ...rest }) => ({ ...rest, state: JSON.parse(state) as KeptStanding['state'] }));
  }

  auditors(): (readonly [PeerId, AuditorState])[] {
    const rows = this.#sql.all('auditors', [MAX_AUDITORS]) as (Omit<AuditorState, 'won'> & {
      peer: PeerId;
      won: string;
    })[];
    return rows.map(({ peer, won, ...counts }) => [peer, { ...counts, won: readWon(won) }]);
  }

  pairs(): PairFigures[] {
    const rows = this.#sql.all('pairs', [MAX_PAIRS]) as (Omit<PairFigures, 'histogram'> & { histogram: string })[];
    return rows.map(({ histogram, ...rest }) => ({ ...rest, histogram: readHistogram(histogram) }));
  }

  slashings(): Slashing[] {
    return this.#sql.all('slashings', []) as Slashing[];
  }

  #runAuditor(peer: PeerId, { agreed, against, abstained, inARow, won }: AuditorState, nowMs: number): void {
    this.#sql.run('auditor', [peer, agreed, against, abstained, inARow, JSON.stringify(won), nowMs]);
  }
}

function counted(rows: unknown[]): number {
  const [row] = rows as { audits: number }[];
  return row?.audits ?? 0;
}

function reportsIn(rows: unknown[]): Map<PeerId, Uint8Array> {
  return new Map((rows as WholeRow[]).map(({ auditor, report }) => [auditor, new Uint8Array(report)]));
}

const FORGIVEN = 'The operator of the mesh has forgiven it.';
const FALLEN = 'Five other auditors found nothing wrong with it.';

/** As it was written; of another number of gamblers, nobody has won anything. */
function readWon(json: string): readonly number[] {
  const read: unknown = JSON.parse(json);
  const fits = Array.isArray(read) && read.length === NEW_AUDITOR.won.length && read.every(Number.isFinite);
  return fits ? (read as number[]) : NEW_AUDITOR.won;
}

const SQL = {
  count: 'SELECT count(*) AS audits FROM audit',
  draw: `INSERT INTO audit
    (receipt, lease_nonce, draw, provider, requester, model, file, engine, work, auditors, networks, drawn_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (receipt) DO UPDATE SET auditors = excluded.auditors`,
  dropReports: 'DELETE FROM audit_report WHERE receipt IN (SELECT receipt FROM audit ORDER BY drawn_ms LIMIT ?)',
  drop: 'DELETE FROM audit WHERE receipt IN (SELECT receipt FROM audit ORDER BY drawn_ms LIMIT ?)',
  report: `INSERT INTO audit_report (receipt, auditor, digest, verdict, log10_e, why, report, filed_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  findings: 'SELECT auditor, verdict, log10_e, digest FROM audit_report WHERE receipt = ? ORDER BY filed_ms',
  whole: 'SELECT auditor, report FROM audit_report WHERE receipt = ? AND report IS NOT NULL',
  shorten: "UPDATE audit_report SET report = NULL WHERE receipt = ? AND verdict <> 'deviates'",
  settle: 'UPDATE audit SET done_ms = ?, verdict = ?, log10_e = ? WHERE receipt = ?',
  stand: `INSERT OR REPLACE INTO standing (provider, file, level, state, model, changed_ms) VALUES (?, ?, ?, ?, ?, ?)`,
  forgive: 'DELETE FROM standing WHERE provider = ?',
  forgiveFile: 'DELETE FROM standing WHERE provider = ? AND file = ?',
  right: "UPDATE audit SET verdict = 'agrees' WHERE receipt = ?",
  auditor: `INSERT OR REPLACE INTO auditor (peer, agreed, against, abstained, in_a_row, won, changed_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  slash: 'INSERT OR REPLACE INTO slashing (provider, file, percent, reason, recorded_ms) VALUES (?, ?, ?, ?, ?)',
  slashings: 'SELECT provider, file, percent, reason FROM slashing ORDER BY recorded_ms DESC LIMIT 1000',
  pair: `INSERT OR REPLACE INTO engine_pair
    (provider, auditor, mode, file, agrees, deviates, unknown, tokens, deviation, histogram)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  pairs: 'SELECT * FROM engine_pair LIMIT ?',
  open: `SELECT receipt, lease_nonce, draw, provider, requester, model, file, engine, work, auditors, networks, drawn_ms
    FROM audit WHERE done_ms IS NULL AND drawn_ms >= ? ORDER BY drawn_ms`,
  one: `SELECT receipt, lease_nonce, draw, provider, requester, model, file, engine, work, auditors, networks, drawn_ms
    FROM audit WHERE receipt = ?`,
  // Those with the worst standing come last, and are forgotten last.
  standings: `SELECT provider, file, level, state, model FROM
    (SELECT *, level IN ('quarantined', 'convicted') AS banned FROM standing ORDER BY banned DESC, changed_ms DESC LIMIT ?)
    ORDER BY banned, changed_ms`,
  auditors: `SELECT peer, agreed, against, abstained, in_a_row AS inARow, won FROM
    (SELECT * FROM auditor ORDER BY changed_ms DESC LIMIT ?) ORDER BY changed_ms`,
} as const;
