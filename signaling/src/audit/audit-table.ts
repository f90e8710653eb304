/**
 * The audits in `mesh.db`: which answers were drawn, what each auditor reported, how every provider stands with each
 * file. Durable when a method returns, so that a conviction survives the loss of power. All of it is bounded: the oldest
 * audits go first, while standings of the convicted stay.
 */
import type Database from 'libsql';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import type { Level } from '@llmesh/core/wire/control-protocol';
import type { Verdict } from '@llmesh/core/proof/verdict';
import type { MeshDatabase } from '../store/mesh-database.ts';
import { MAX_AUDITORS, type AuditorRecord } from './auditor-records.ts';
import type { OpenAudit } from './open-audits.ts';
import { MAX_PAIRS, readHistogram, type PairFigures } from './pair-figures.ts';
import type { Settled } from './settle.ts';
import { MAX_STANDINGS, type KeptStanding } from './standings.ts';

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
  /** The signed bytes, where they speak against a provider: whoever doubts the verdict recounts it. */
  readonly report: Uint8Array | null;
}

export interface Slashing {
  readonly provider: PeerId;
  readonly file: string;
  readonly percent: number;
  readonly reason: string;
}

interface AuditRow {
  receipt: ArrayBuffer;
  lease_nonce: ArrayBuffer;
  draw: ArrayBuffer;
  provider: PeerId;
  requester: PeerId;
  model: ModelId;
  file: string;
  auditors: string;
  drawn_ms: number;
}

interface StandingRow {
  provider: PeerId;
  file: string;
  level: Level;
  state: string;
  model: ModelId;
  checked: number;
  agreed: number;
}

export class AuditTable {
  readonly #db: MeshDatabase;
  readonly #statements: Readonly<Record<keyof typeof SQL, Database.Statement>>;
  #audits: number;

  constructor(db: MeshDatabase) {
    this.#db = db;
    const names = Object.keys(SQL) as (keyof typeof SQL)[];
    this.#statements = Object.fromEntries(names.map((name) => [name, db.prepare(SQL[name])])) as Record<
      keyof typeof SQL,
      Database.Statement
    >;
    const [row] = this.#statements.count.all() as { audits: number }[];
    this.#audits = row?.audits ?? 0;
  }

  /** These were drawn. */
  draw(audits: readonly OpenAudit[]): void {
    if (audits.length === 0) return;
    this.#db.transact(() => {
      for (const audit of audits) {
        const { receipt, leaseNonce, draw, provider, requester, model, file, auditors, drawnMs } = audit;
        const blobs = [receipt, leaseNonce, draw].map((bytes) => Buffer.from(bytes));
        const ends = [provider.peerId, requester.peerId, model, file];
        this.#statements.draw.run([...blobs, ...ends, JSON.stringify([...auditors.keys()]), drawnMs]);
      }
      this.#audits += audits.length;
      if (this.#audits <= MAX_AUDITS) return;
      for (const sql of ['dropReports', 'drop'] as const) this.#statements[sql].run([DROPPED]);
      const [row] = this.#statements.count.all() as { audits: number }[];
      this.#audits = row?.audits ?? 0;
    });
  }

  /** One more auditor was drawn for this answer. */
  widen({ receipt, auditors }: OpenAudit): void {
    this.#db.transact(() => this.#statements.widen.run([JSON.stringify([...auditors.keys()]), Buffer.from(receipt)]));
  }

  /** What one auditor reported, and what its pair of engines measured: null where it could not check. */
  report(receipt: Uint8Array, report: KeptReport, pair: PairFigures | null, filedMs: number): void {
    const { auditor, digest, verdict, log10E, why } = report;
    this.#db.transact(() => {
      const what = [Buffer.from(digest), verdict, log10E, why];
      const whole = report.report === null ? null : Buffer.from(report.report);
      this.#statements.report.run([Buffer.from(receipt), auditor, ...what, whole, filedMs]);
      if (pair !== null) this.#putPair(pair);
    });
  }

  /** An audit is over: its outcome, and all that follows from it, or nothing of it. */
  settle(
    receipt: Uint8Array,
    settled: Settled,
    after: {
      standing: KeptStanding | null;
      auditors: readonly (readonly [PeerId, AuditorRecord])[];
      slashing: Slashing | null;
    },
    nowMs: number,
  ): void {
    const { standing, auditors, slashing } = after;
    this.#db.transact(() => {
      this.#statements.settle.run([nowMs, settled.verdict, settled.log10E, Buffer.from(receipt)]);
      if (standing !== null) {
        const { provider, file, level, state, model, checked, agreed } = standing;
        this.#statements.stand.run([provider, file, level, JSON.stringify(state), model, checked, agreed, nowMs]);
      }
      for (const [peer, { agreed, against, abstained }] of auditors) {
        this.#statements.auditor.run([peer, agreed, against, abstained, nowMs]);
      }
      if (slashing === null) return;
      const { provider, file, percent, reason } = slashing;
      this.#statements.slash.run([provider, file, percent, reason, nowMs]);
    });
  }

  /** Those that were drawn since, and are not over: their auditors may still report. */
  open(sinceMs: number): (Omit<OpenAudit, 'auditors' | 'provider' | 'requester'> & {
    provider: PeerId;
    requester: PeerId;
    auditors: PeerId[];
    findings: { auditor: PeerId; verdict: Verdict; log10E: number; digest: Uint8Array }[];
  })[] {
    return (this.#statements.open.all([sinceMs]) as AuditRow[]).map((row) => ({
      receipt: new Uint8Array(row.receipt),
      leaseNonce: new Uint8Array(row.lease_nonce),
      draw: new Uint8Array(row.draw),
      provider: row.provider,
      requester: row.requester,
      model: row.model,
      file: row.file,
      auditors: JSON.parse(row.auditors) as PeerId[],
      drawnMs: row.drawn_ms,
      findings: (
        this.#statements.findings.all([Buffer.from(row.receipt)]) as {
          auditor: PeerId;
          verdict: Verdict;
          log10_e: number;
          digest: ArrayBuffer;
        }[]
      ).map(({ log10_e: log10E, digest, ...rest }) => ({ ...rest, log10E, digest: new Uint8Array(digest) })),
    }));
  }

  standings(): KeptStanding[] {
    return (this.#statements.standings.all([MAX_STANDINGS]) as StandingRow[]).map(({ state, ...rest }) => ({
      ...rest,
      state: JSON.parse(state) as KeptStanding['state'],
    }));
  }

  auditors(): (readonly [PeerId, AuditorRecord])[] {
    const rows = this.#statements.auditors.all([MAX_AUDITORS]) as ({ peer: PeerId } & AuditorRecord)[];
    return rows.map(({ peer, agreed, against, abstained }) => [peer, { agreed, against, abstained }]);
  }

  pairs(): PairFigures[] {
    const rows = this.#statements.pairs.all([MAX_PAIRS]) as (Omit<PairFigures, 'histogram'> & { histogram: string })[];
    return rows.map(({ histogram, ...rest }) => ({ ...rest, histogram: readHistogram(histogram) }));
  }

  slashings(): Slashing[] {
    return this.#statements.slashings.all() as Slashing[];
  }

  #putPair({ provider, auditor, mode, file, agrees, deviates, unknown, tokens, histogram }: PairFigures): void {
    const counts = [agrees, deviates, unknown, tokens, JSON.stringify(histogram)];
    this.#statements.pair.run([provider, auditor, mode, file, ...counts]);
  }
}

const SQL = {
  count: 'SELECT count(*) AS audits FROM audit',
  draw: `INSERT INTO audit (receipt, lease_nonce, draw, provider, requester, model, file, auditors, drawn_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  widen: 'UPDATE audit SET auditors = ? WHERE receipt = ?',
  dropReports: `DELETE FROM audit_report WHERE receipt IN (SELECT receipt FROM audit ORDER BY drawn_ms LIMIT ?)`,
  drop: 'DELETE FROM audit WHERE receipt IN (SELECT receipt FROM audit ORDER BY drawn_ms LIMIT ?)',
  report: `INSERT INTO audit_report (receipt, auditor, digest, verdict, log10_e, why, report, filed_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  findings: 'SELECT auditor, verdict, log10_e, digest FROM audit_report WHERE receipt = ?',
  settle: 'UPDATE audit SET done_ms = ?, verdict = ?, log10_e = ? WHERE receipt = ?',
  stand: `INSERT OR REPLACE INTO standing (provider, file, level, state, model, checked, agreed, changed_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  auditor: `INSERT OR REPLACE INTO auditor (peer, agreed, against, abstained, changed_ms) VALUES (?, ?, ?, ?, ?)`,
  slash: 'INSERT OR REPLACE INTO slashing (provider, file, percent, reason, recorded_ms) VALUES (?, ?, ?, ?, ?)',
  slashings: 'SELECT provider, file, percent, reason FROM slashing ORDER BY recorded_ms DESC LIMIT 1000',
  pair: `INSERT OR REPLACE INTO engine_pair
    (provider, auditor, mode, file, agrees, deviates, unknown, tokens, histogram) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  pairs: 'SELECT * FROM engine_pair LIMIT ?',
  open: `SELECT receipt, lease_nonce, draw, provider, requester, model, file, auditors, drawn_ms FROM audit
    WHERE done_ms IS NULL AND drawn_ms >= ? ORDER BY drawn_ms`,
  // The worst come last, and are forgotten last.
  standings: `SELECT provider, file, level, state, model, checked, agreed FROM
    (SELECT *, level IN ('quarantined', 'convicted') AS bad FROM standing ORDER BY bad DESC, changed_ms DESC LIMIT ?)
    ORDER BY bad, changed_ms`,
  auditors: `SELECT * FROM (SELECT * FROM auditor ORDER BY changed_ms DESC LIMIT ?) ORDER BY changed_ms`,
} as const;
