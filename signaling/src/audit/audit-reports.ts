/**
 * Takes in what auditors report: expected reports only, one of each auditor, the signature last. The verdict is recomputed
 * from the figures; nobody's word for it is taken. Then decides whether an answer needs more auditors, or is done.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { readReport, type AuditReport } from '@llmesh/core/proof/audit-report';
import type { Calibration } from '@llmesh/core/proof/calibration';
import { judge, type Judgement } from '@llmesh/core/proof/verdict';
import { sameBytes } from '@llmesh/core/wire/canonical';
import { isKnownAnswer } from './auditors/known-answers.ts';
import type { AuditCounts } from './figures/audit-events.ts';
import type { ControlKey } from '../receipts/control-key.ts';
import type { AuditTable } from './audit-table.ts';
import type { InTurn } from './in-turn.ts';
import type { OpenAudit, OpenAudits } from './auditors/open-audits.ts';
import type { PairTable } from './figures/pair-figures.ts';

/** Reports that are remembered after their audits: an auditor that did not hear our answer sends them again. */
const MAX_REMEMBERED = 8_192;

export interface AuditReportsNeeds {
  now: () => number;
  key: Pick<ControlKey, 'verify'>;
  calibrations: readonly Calibration[];
  table: AuditTable;
  open: OpenAudits;
  pairs: PairTable;
  counts: AuditCounts;
  inTurn: InTurn;
  failed: (error: unknown) => void;
  /** One more finding is there. */
  found: (leaseNonce: Uint8Array) => void;
}

export class AuditReports {
  readonly #needs: AuditReportsNeeds;
  readonly #kept = new BoundedMap<string, true>(MAX_REMEMBERED);

  constructor(needs: AuditReportsNeeds) {
    this.#needs = needs;
  }

  /** It is on disk when this resolves. Rejects with bad_message for what nobody asked for, busy when a retry makes sense. */
  async file(by: PeerId, bytes: Uint8Array): Promise<void> {
    const digest = sha256(bytes);
    const name = Buffer.from(digest).toString('hex');
    const report = this.#wanted(by, bytes, digest, name);
    if (report === null) return;
    if (readReport(bytes, this.#needs.key.verify) === null) throw refused('Its signature is wrong.');
    await this.#needs.inTurn.run(async () => {
      // Another copy may have come first.
      if (this.#wanted(by, bytes, digest, name) === null) return;
      await this.#take(by, report, digest, bytes);
      this.#kept.set(name, true);
    });
  }

  /** What is expected of this auditor; null: it was kept before. Throws bad_message for anything else. */
  #wanted(by: PeerId, bytes: Uint8Array, digest: Uint8Array, name: string): AuditReport | null {
    if (this.#kept.has(name)) return null;
    const report = readReport(bytes, () => true);
    if (report === null) throw refused('It cannot be read.');
    const before = this.#expected(by, report).findings.find(({ auditor }) => auditor === by);
    if (before === undefined) return report;
    if (sameBytes(before.digest, digest)) return null;
    throw refused('Another one about the same answer was kept before.');
  }

  async #take(by: PeerId, report: AuditReport, digest: Uint8Array, bytes: Uint8Array): Promise<void> {
    const { open, counts, found } = this.#needs;
    const audit = this.#expected(by, report);
    const judgement = this.#judge(audit, report);
    await this.#keep(audit, report, judgement, digest, bytes);
    const { verdict, log10E } = judgement;
    counts.reported(verdict);
    open.put({ ...audit, findings: [...audit.findings, { auditor: by, verdict, log10E, digest }] });
    found(audit.leaseNonce);
  }

  #expected(by: PeerId, report: AuditReport): OpenAudit {
    if (report.auditor !== by) throw refused('It is by another computer than the one that files it.');
    const audit = this.#needs.open.find(report.leaseNonce);
    if (audit === null) throw refused('No such answer is being checked, or no longer.');
    if (!audit.auditors.some(({ peerId }) => peerId === by)) throw refused('This computer was not drawn to check it.');
    const { provider, model, file, receipt } = audit;
    const same = report.provider === provider.peerId && report.model === model && report.file === file;
    if (!same || !sameBytes(report.receipt, receipt)) throw refused('It is about another answer than the drawn one.');
    return audit;
  }

  #judge(audit: OpenAudit, report: AuditReport): Judgement {
    if (report.mode === null || hasEngines(audit, report)) return judge(report, this.#needs.calibrations);
    return { verdict: 'unknown', log10E: 0, why: 'It names other engines than the adverts did.' };
  }

  /** What a known answer deviates by, says nothing about a pair: it may be doctored. */
  async #keep(
    audit: OpenAudit,
    report: AuditReport,
    judgement: Judgement,
    digest: Uint8Array,
    bytes: Uint8Array,
  ): Promise<void> {
    const { table, pairs, now, failed } = this.#needs;
    const { verdict, log10E, why } = judgement;
    const { mode, deviations, file, providerEngine: provider, auditorEngine: auditor } = report;
    const pair =
      mode !== null && hasEngines(audit, report) && !isKnownAnswer(audit)
        ? pairs.counted({ provider, auditor, mode, file }, verdict, deviations)
        : null;
    try {
      const kept = { auditor: report.auditor, digest, verdict, log10E, why, report: bytes };
      await table.report(audit.receipt, kept, pair, now());
    } catch (thrown) {
      failed(thrown);
      throw new MeshError('busy', 'The mesh cannot keep reports right now. LLMesh will try again.', { cause: thrown });
    }
    if (pair !== null) pairs.put(pair);
  }
}

/** Engines as the adverts said before the draw: of another pair, another noise would count as honest. */
function hasEngines(audit: OpenAudit, { auditor, providerEngine, auditorEngine }: AuditReport): boolean {
  const drawn = audit.auditors.find(({ peerId }) => peerId === auditor);
  return audit.engine === providerEngine && drawn?.engine === auditorEngine;
}

function refused(why: string): MeshError {
  return new MeshError('bad_message', `This report is not kept. ${why}`);
}
