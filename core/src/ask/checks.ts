/**
 * Has answers of ours checked when the control plane draws them: sends what was asked and answered to the auditors, and tells
 * whoever asked what they found. Nobody's word for the verdict is taken: it is computed from their figures. Nothing of it
 * holds up a question.
 */
import { sha256 as digestOf } from '@noble/hashes/sha2.js';
import { fromBase32, toBase32 } from '../base/base32.ts';
import type { PeerId } from '../base/ids.ts';
import { readReport } from '../proof/audit-report.ts';
import { MAX_REPORTS, packBundle } from '../proof/bundle.ts';
import { readDraw } from '../proof/draw.ts';
import { engineNameOf } from '../proof/engine-name.ts';
import { packEvidence, type Evidence } from '../proof/evidence.ts';
import { isAbout, together, type ReportSubject } from '../proof/recount.ts';
import { judge } from '../proof/verdict.ts';
import { MAX_TOKEN_IDS } from '../protocol.ts';
import type { AuditTask } from '../tasks/audit-task.ts';
import type { AuditCall } from '../wire/audit-messages.ts';
import type { AskRequest, AuditorFinding, CheckNews } from './answer.ts';
import type { AttemptNeeds, SignedWork } from './attempt.ts';
import { askAuditor } from './audit-request.ts';
import { KeptEvidence, type KeptWork } from './kept-evidence.ts';

/** The first auditors of an answer, more where they disagree, and an appeal, for which some may have to be asked again. */
const MAX_CALLS = 16;

export interface ChecksOptions extends AttemptNeeds {
  /** The task that auditors do. */
  task: AuditTask;
  /** The control plane whose draws count; null: none is known yet. */
  issuer: () => PeerId | null;
  /** The certificate of a peer that may be dialled. */
  learn: (peer: PeerId, certificate: string) => void;
}

interface CheckedWork extends KeptWork {
  readonly facts: ReportSubject;
  readonly tell: (news: CheckNews) => void;
  readonly asked: Set<PeerId>;
  readonly reports: Uint8Array<ArrayBuffer>[];
  readonly findings: AuditorFinding[];
  calls: number;
  pending: number;
}

export class Checks {
  readonly #options: ChecksOptions;
  readonly #kept: KeptEvidence<CheckedWork>;
  readonly #closing = new AbortController();

  constructor(options: ChecksOptions) {
    this.#options = options;
    this.#kept = new KeptEvidence(options.clock);
  }

  /**
   * Keeps the answer to this question when it is signed for; undefined: it is not to be checked. Only what anyone may
   * answer is, or a test question to one who was named: nobody else gets to read what is asked of those whom someone chose.
   */
  keeperFor({
    checks = true,
    only,
    onChecked = () => {},
    onSigned = () => {},
  }: AskRequest): ((work: SignedWork) => void) | undefined {
    const mayBeRead = checks === 'named' || (checks && only === null);
    return mayBeRead ? (work) => this.#keep(work, onChecked, onSigned) : undefined;
  }

  /** Never rejects. What is not ours to have checked, or was not drawn, is ignored. */
  async audit({ leaseId, draw: encoded, lease, auditors }: AuditCall): Promise<void> {
    const { identity, issuer, verify, learn, task } = this.#options;
    const work = this.#kept.find(leaseId);
    const drawnBy = issuer();
    const draw = fromBase32(encoded);
    if (work === null || drawnBy === null || draw === null || work.calls >= MAX_CALLS) return;
    // Each costs a verification.
    work.calls += 1;
    if (readDraw(draw, drawnBy, verify) === null) return;
    const { file, model, provider } = work.facts;
    const fresh = auditors
      .filter(({ peerId }) => peerId !== identity.peerId && peerId !== provider && !work.asked.has(peerId))
      .filter((one) => one.model.sha256 === file && one.model.id === model)
      .slice(0, MAX_REPORTS - work.asked.size);
    if (fresh.length === 0) return;
    if (work.findings.length === 0) work.tell({ verdict: 'asked' });
    work.pending += fresh.length;
    await Promise.all(
      fresh.map(async (auditor) => {
        work.asked.add(auditor.peerId);
        if (auditor.certificate !== null) learn(auditor.peerId, auditor.certificate);
        const request = { task, model, evidence: work.evidence };
        const report = await askAuditor({ ...auditor, lease }, request, this.#options, this.#closing.signal);
        work.pending -= 1;
        if (report !== null) this.#found(work, report, auditor.peerId);
        work.tell(newsOf(work, draw));
      }),
    );
  }

  /**
   * We found this answer of others wrong: whoever is convicted for it may appeal, and others have to read it again. `facts`: what our report says
   * that it is about.
   */
  doubt(evidence: Uint8Array<ArrayBuffer>, facts: ReportSubject): void {
    const { provider } = facts;
    const work = { leaseId: toBase32(facts.leaseNonce), provider, evidence, facts, ...nothingYet(() => {}) };
    this.#kept.keepDoubted(work);
  }

  /** Nobody is asked any more, and nothing is kept. Idempotent. */
  close(): void {
    this.#closing.abort();
    this.#kept.close();
  }

  #keep(
    { candidate, request, lease, providerHalf, requesterHalf, chunks }: SignedWork,
    tell: CheckedWork['tell'],
    signed: (evidence: Uint8Array<ArrayBuffer>) => void,
  ): void {
    const { model, peerId: provider } = candidate;
    const { file } = request;
    if (file === null || model.replayable === undefined || chunks.length === 0 || chunks.length > MAX_TOKEN_IDS) return;
    const providerEngine = engineNameOf(model);
    const evidence: Evidence = {
      request: { ...request, file },
      engine: providerEngine,
      lease: lease.bytes,
      providerHalf,
      requesterHalf,
      chunks: [...chunks],
    };
    const packed = packEvidence(evidence);
    if (packed === null) return;
    signed(packed);
    const { nonce: leaseNonce } = lease.lease;
    this.#kept.keep({
      leaseId: toBase32(leaseNonce),
      provider,
      evidence: packed,
      facts: { leaseNonce, provider, model: request.model, file, receipt: digestOf(providerHalf), providerEngine },
      ...nothingYet(tell),
    });
  }

  #found(work: CheckedWork, bytes: Uint8Array<ArrayBuffer>, auditor: PeerId): void {
    const report = readReport(bytes, this.#options.verify);
    if (report === null || report.auditor !== auditor || !isAbout(report, work.facts)) return;
    const { verdict, log10E, why } = judge(report);
    // A pair that is not measured here may be on the control plane.
    if (verdict !== 'agrees' && report.mode !== null) this.#kept.keepDoubted(work);
    work.reports.push(bytes);
    work.findings.push({
      auditor,
      verdict,
      log10E,
      why,
      tokens: report.mode === null ? null : report.deviations.byteLength,
      engines: { provider: report.providerEngine, auditor: report.auditorEngine },
    });
  }
}

function nothingYet(
  tell: CheckedWork['tell'],
): Pick<CheckedWork, 'tell' | 'asked' | 'reports' | 'findings' | 'calls' | 'pending'> {
  return { tell, asked: new Set(), reports: [], findings: [], calls: 0, pending: 0 };
}

function newsOf(
  { provider, evidence, reports, findings, pending }: CheckedWork,
  draw: Uint8Array<ArrayBuffer>,
): CheckNews {
  const bundle = packBundle({ evidence, draw, reports });
  return { verdict: together(findings), provider, checks: [...findings], pending, bundle };
}
