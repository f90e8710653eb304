/**
 * The way of an audit from its draw to its outcome: who is asked for it and who sends them the words, whether what they found is
 * enough, and what follows. What decides is always what is on the disk.
 */
import { fromBase32, toBase32 } from '@llmesh/core/base/base32';
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { PeerId } from '@llmesh/core/base/ids';
import { PLAIN } from '@llmesh/core/policy/price';
import { readDraw } from '@llmesh/core/proof/draw';
import { moreAuditors } from '@llmesh/core/proof/standing';
import { leaseOf, readLeases } from '@llmesh/core/receipts/lease';
import type { Level } from '@llmesh/core/wire/audit-messages';
import { MAX_CANDIDATES, type Candidate } from '@llmesh/core/wire/candidate';
import type { FromServer } from '@llmesh/core/wire/control-protocol';
import { CHAT } from '@llmesh/core/wire/model-advert';
import type { LeaseOffice } from '../receipts/lease-office.ts';
import type { RegisteredPeer } from '../registry/registered-peer.ts';
import type { AuditDraws } from './audit-draws.ts';
import type { AuditNeeds } from './audit-needs.ts';
import type { AuditTable } from './audit-table.ts';
import type { AuditorRecords } from './auditors/auditor-records.ts';
import { isDecisive, isKnownAnswer, moreForKnown } from './auditors/known-answers.ts';
import type { DrawnAuditor, OpenAudit, OpenAudits } from './auditors/open-audits.ts';
import { settle } from './auditors/settle.ts';
import type { InTurn } from './in-turn.ts';
import { aftermathOf, type Aftermath } from './settlement.ts';

/** How often audits whose auditors keep silent are looked for. */
const SWEEP_MS = 10_000;
/** Leases of audits that are remembered, so that their own receipts are not audited. */
const MAX_LEASES = 50_000;
/** An audit is one unit of work: its lease is good for nothing else. */
const AUDIT_UNITS = 1;

export interface AuditCourseNeeds extends AuditNeeds {
  random: () => number;
  leases: LeaseOffice;
  table: AuditTable;
  records: AuditorRecords;
  open: OpenAudits;
  inTurn: InTurn;
  draws: Pick<AuditDraws, 'more'>;
  /** There are credits. */
  pays: boolean;
  candidate: (peer: RegisteredPeer, offer: { task: string; model: OpenAudit['model'] }) => Candidate | null;
  tell: (peer: PeerId, message: Extract<FromServer, { type: 'audit' }>) => void;
  /** An appeal is heard, and one more auditor has reported. For whoever has its turn. */
  heard: (audit: OpenAudit) => Promise<void>;
  /** It is over. `before`: how its provider stood with the file. */
  settled: (audit: OpenAudit, aftermath: Aftermath, before: Level) => void;
}

export class AuditCourse {
  readonly #needs: AuditCourseNeeds;
  /** Of audits, by the nonce in hex. */
  readonly #leases = new BoundedMap<string, true>(MAX_LEASES);
  #stopSweep: () => void;

  constructor(needs: AuditCourseNeeds) {
    this.#needs = needs;
    this.#stopSweep = this.#sweepAgain();
  }

  /** Is this the lease of an audit? */
  isLease(nonce: Uint8Array): boolean {
    return this.#leases.has(nameOf(nonce));
  }

  /** These were drawn. They are written down, and their auditors asked, when it resolves. */
  drawn(audits: OpenAudit[]): Promise<void> {
    return this.#needs.inTurn.run(async () => {
      await this.#needs.table.draw(audits);
      for (const audit of audits) {
        this.#needs.open.put(audit);
        // A requester that is among them knows the answer.
        this.ask(
          audit,
          audit.auditors.filter(({ peerId }) => peerId !== audit.requester.peerId),
        );
      }
    });
  }

  /** Has the requester, or whoever else has the evidence, send it to these. */
  ask(audit: OpenAudit, auditors: readonly DrawnAuditor[], holder = audit.requester.peerId): void {
    // A lease is for so many.
    for (let at = 0; at < auditors.length; at += MAX_CANDIDATES)
      this.#send(audit, auditors.slice(at, at + MAX_CANDIDATES), holder).catch(this.#needs.failed);
  }

  /** An auditor has reported: perhaps the last one that was asked. While the disk is full nothing is settled: the next sweep tries again. */
  found(leaseNonce: Uint8Array): void {
    const { inTurn, open, failed } = this.#needs;
    inTurn
      .run(async () => {
        const audit = open.find(leaseNonce);
        if (audit !== null) await this.#found(audit);
      })
      .catch(failed);
  }

  /** Idempotent. */
  close(): void {
    this.#stopSweep();
  }

  async #send(audit: OpenAudit, auditors: readonly DrawnAuditor[], holder: PeerId): Promise<void> {
    const { leases, registry, candidate, tell } = this.#needs;
    const { model, draw, leaseNonce } = audit;
    const offer = { task: CHAT, model };
    const candidates = auditors
      .map(({ peerId }) => registry.find(peerId))
      .map((peer) => peer && candidate(peer, offer))
      .filter((one) => one !== null);
    const asked = { ...offer, requester: holder, complexity: PLAIN, maxUnits: AUDIT_UNITS };
    const lease = await leases.lease(candidates, asked);
    if (lease === null) return;
    this.#remember(lease, candidates);
    const message = { draw: toBase32(draw), lease, auditors: candidates };
    tell(holder, { type: 'audit', leaseId: toBase32(leaseNonce), ...message });
  }

  #remember(lease: string, candidates: readonly Candidate[]): void {
    const leases = readLeases(fromBase32(lease)!, () => true);
    for (const { peerId } of candidates) {
      const nonce = leases === null ? undefined : leaseOf(leases, peerId)?.nonce;
      if (nonce !== undefined) this.#leases.set(nameOf(nonce), true);
    }
  }

  async #found(audit: OpenAudit): Promise<void> {
    const { terms, random, key, draws, table, open, heard } = this.#needs;
    if (audit.isAppeal === true) return heard(audit);
    if (audit.findings.length < audit.auditors.length) return;
    const isKnown = isKnownAnswer(audit);
    const { judged } = settle(audit.findings, terms.platform);
    const abstained = audit.findings.length - judged.length;
    // Chance, and only now: an auditor that knew from the draw that nobody reads after it could find whatever it likes.
    const isConfirmed = judged.length > 1 || random() < terms.confirmed;
    const wanted = isKnown
      ? moreForKnown(judged, abstained, isDecisive(audit.findings, audit.requester.peerId))
      : moreAuditors(judged, abstained, isConfirmed);
    const draw = wanted === 0 ? null : readDraw(audit.draw, key.peerId, key.verify);
    const more = draw === null ? null : draws.more(audit, draw.beta, Math.min(wanted, MAX_CANDIDATES), isKnown);
    if (more === null) return this.#settle(audit);
    const wider = { ...audit, auditors: [...audit.auditors, ...more] };
    await table.draw([wider]);
    open.put(wider);
    this.ask(wider, more);
  }

  async #settle(audit: OpenAudit): Promise<void> {
    const { table, now, open, records, standings, settled } = this.#needs;
    const before = standings.of(audit.provider.peerId, audit.file).level;
    const nowMs = now();
    const aftermath = aftermathOf(audit, before, { ...this.#needs, nowMs });
    await table.settle(aftermath, nowMs);
    open.end(audit);
    for (const [peer, state] of aftermath.auditors) records.put(peer, state);
    settled(audit, aftermath, before);
  }

  #sweepAgain(): () => void {
    const { clock, inTurn, failed } = this.#needs;
    return clock.after(SWEEP_MS, () => {
      this.#stopSweep = this.#sweepAgain();
      inTurn.run(() => this.#sweep()).catch(failed);
    });
  }

  /** Of audits whose auditors were given long enough, what was found counts. */
  async #sweep(): Promise<void> {
    const { open, now, terms } = this.#needs;
    for (const audit of open.drawnBefore(now() - terms.patienceMs)) await this.#settle(audit);
  }
}

function nameOf(nonce: Uint8Array): string {
  return Buffer.from(nonce).toString('hex');
}
