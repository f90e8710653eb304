/**
 * Audits of the mesh's answers, from the filed receipt to what follows for its provider. It never sees a question or an
 * answer: the requester, who agreed to it, sends them to the auditors, sealed.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { fromBase32, toBase32 } from '@llmesh/core/base/base32';
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { PLAIN } from '@llmesh/core/policy/price';
import type { Audits } from '@llmesh/core/wire/api-pages';
import { calibrationFor, type Calibration } from '@llmesh/core/proof/calibration';
import { readDraw } from '@llmesh/core/proof/draw';
import { moreAuditors } from '@llmesh/core/proof/standing';
import { leaseOf, readLeases } from '@llmesh/core/receipts/lease';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import type { Candidate } from '@llmesh/core/wire/candidate';
import { CHAT } from '@llmesh/core/wire/model-advert';
import { type FromServer } from '@llmesh/core/wire/control-protocol';
import { MAX_CANDIDATES } from '@llmesh/core/wire/candidate';
import type { LedgerPort } from '../ledger/ledger-port.ts';
import type { ControlKey } from '../receipts/control-key.ts';
import type { DeliveredReceipt } from '../receipts/delivered.ts';
import type { LeaseOffice } from '../receipts/lease-office.ts';
import type { RegisteredPeer } from '../registry/registered-peer.ts';
import type { Registry } from '../registry/registry.ts';
import type { Order } from '@llmesh/core/ledger/order';
import { AppealOffice } from './appeal-office.ts';
import { AuditDraws } from './audit-draws.ts';
import type { AuditCounts } from './figures/audit-events.ts';
import { AuditTally } from './figures/audit-tally.ts';
import { AuditReports } from './audit-reports.ts';
import type { AuditTable } from './audit-table.ts';
import type { AuditTerms } from './audit-terms.ts';
import { AuditorRecords } from './auditors/auditor-records.ts';
import { eligibleAuditors } from './eligible-auditors.ts';
import { LengthTable } from './figures/length-table.ts';
import { isDecisive, isKnownAnswer, KnownAnswers, moreForKnown } from './auditors/known-answers.ts';
import { OfferedFiles } from './offered-files.ts';
import { OpenAudits, type DrawnAuditor, type OpenAudit } from './auditors/open-audits.ts';
import { auditedPair, PairTable } from './figures/pair-figures.ts';
import { AuditDues } from './dues/audit-dues.ts';
import { settle } from './auditors/settle.ts';
import { Retests } from './retests.ts';
import { aftermathOf } from './settlement.ts';
import { Standings } from './standings.ts';
import { Trust } from './trust.ts';

/** How often audits whose auditors keep silent are looked for. */
const SWEEP_MS = 10_000;
/** Leases of audits that are remembered, so that their own receipts are not audited. */
const MAX_LEASES = 50_000;
/** An audit is one unit of work: its lease is good for nothing else. */
const AUDIT_UNITS = 1;

export interface AuditOfficeOptions {
  clock: Clock;
  now: () => number;
  random: () => number;
  terms: AuditTerms;
  calibrations: readonly Calibration[];
  key: ControlKey;
  leases: LeaseOffice;
  ledger: LedgerPort;
  table: AuditTable;
  registry: Registry;
  counts: AuditCounts;
  failed: (error: unknown) => void;
}

/** What the rest of the control plane does for the audits. */
export interface AuditWays {
  candidate(peer: RegisteredPeer, offer: { task: string; model: OpenAudit['model'] }): Candidate;
  tell(peer: PeerId, message: Extract<FromServer, { type: 'audit' | 'question' | 'standing' }>): void;
  /** Others have checked an answer of this provider, and found nothing. */
  agreed(provider: PeerId): void;
  /** Whom strangers are kept from has changed. */
  changed(): void;
}

export class AuditOffice {
  readonly standings: Standings;
  readonly lengths = new LengthTable();
  readonly pairs: PairTable;
  readonly tally: AuditTally;
  readonly #options: AuditOfficeOptions;
  readonly #records: AuditorRecords;
  readonly #files = new OfferedFiles();
  readonly #known: KnownAnswers;
  readonly #open = new OpenAudits();
  readonly #draws: AuditDraws;
  readonly #reports: AuditReports;
  /** Of audits, by the nonce in hex. */
  readonly #leases = new BoundedMap<string, true>(MAX_LEASES);
  /** Null: there are no credits. */
  readonly #dues: AuditDues | null;
  readonly #appeals: AppealOffice;
  readonly #retests: Retests;
  readonly trust: Trust;
  #ways: AuditWays | null = null;
  #stopSweep: () => void;

  constructor(options: AuditOfficeOptions) {
    const { clock, now, terms, table, registry, ledger, failed } = options;
    this.#options = options;
    this.standings = new Standings(table.standings());
    this.pairs = new PairTable(table.pairs());
    this.#records = new AuditorRecords(table.auditors());
    for (const audit of table.open(now() - terms.patienceMs)) this.#open.put(audit);
    this.tally = new AuditTally(options.counts);
    const own = { standings: this.standings, records: this.#records, pairs: this.pairs, counts: this.tally };
    this.#known = new KnownAnswers(clock);
    const needs = { ...options, ...own, known: this.#known };
    this.#draws = new AuditDraws({
      ...needs,
      eligible: (audited, isKnown) => eligibleAuditors(audited, needs, isKnown),
      isFull: () => this.#open.isFull,
      drawn: (audits) => this.#drawn(audits),
    });
    this.#reports = new AuditReports({
      ...needs,
      open: this.#open,
      found: (audit) => this.#guard(() => this.#found(audit)),
    });
    const slashed = (provider: PeerId) => this.#tell(provider);
    this.#dues =
      ledger.mode === 'off' ? null : new AuditDues({ clock, now, ledger, table: table.dues, failed, slashed });
    this.#appeals = new AppealOffice({
      ...needs,
      open: this.#open,
      pays: ledger.mode !== 'off',
      eligible: (audited) => eligibleAuditors(audited, needs),
      send: (audit, auditors, holder) => this.#ask(audit, auditors, holder),
      decided: ({ appeal: { provider, file, outcome } }) => {
        if (outcome === 'fallen') {
          this.standings.forget(provider, file);
          this.#dues?.undone(provider);
        }
        this.#dues?.look();
        this.#follow(provider, outcome === 'fallen');
      },
    });
    this.#retests = new Retests({
      ...needs,
      eligible: (audited) => eligibleAuditors(audited, needs),
      question: (asker, question) => this.#ways?.tell(asker, question),
    });
    const checks = () => this.tally.found.agrees + this.tally.found.deviates > 0;
    this.trust = new Trust({ ...options, standings: this.standings, checks });
    registry.shuns = (provider, model) => this.standings.shuns(provider, model);
    this.#stopSweep = clock.after(SWEEP_MS, () => this.#sweep());
  }

  /** From now on the requesters and providers can be told. */
  open(ways: AuditWays): void {
    this.#ways = ways;
  }

  /** A requester was sent to these. */
  sent(candidates: readonly Candidate[]): void {
    if (this.#options.terms.share === 0) return;
    for (const candidate of candidates) {
      const network = this.#options.registry.find(candidate.peerId)?.network;
      if (network !== undefined) this.#files.sent(candidate, network);
    }
  }

  /** A receipt was kept. */
  filed(delivered: DeliveredReceipt): void {
    const { lease, inputUnits, units } = delivered;
    if (lease.task !== CHAT || this.#leases.has(Buffer.from(lease.nonce).toString('hex'))) return;
    this.lengths.count(inputUnits, units);
    const offered = this.#files.of(lease.provider, lease);
    if (offered !== null) this.#draws.gather(delivered, offered);
  }

  /** See `AuditReports.file`. */
  report(by: PeerId, bytes: Uint8Array): void {
    this.#reports.file(by, bytes);
  }

  /**
   * An owner ordered this, and `carrier` brought it: an appeal, another test, or known answers. Throws order_refused,
   * rate_limited or busy.
   */
  ordered(order: Order, bytes: Uint8Array, carrier: PeerId): void {
    if (order.kind === 'known-answers') {
      const network = this.#options.registry.find(order.by)?.network;
      if (network === undefined) throw new MeshError('order_refused', 'Whoever answers has to be there first.');
      return this.#known.announce(order.by, { ...order, carrier, network });
    }
    if (order.kind === 'appeal') {
      this.#appeals.file(order, bytes);
      this.#tell(order.by);
    } else if (this.standings.worst(order.by) === 'good') {
      throw new MeshError('order_refused', 'Nothing is held against this computer: there is nothing to test again.');
    } else if (!this.#draws.retest(order.by)) {
      throw new MeshError('rate_limited', 'Its answers are being tested already. Ask again in an hour.');
    } else {
      this.#retests.begin(order.by, bytes);
    }
  }

  /** What `/api/audits` says. */
  page(): Audits {
    const { terms, calibrations } = this.#options;
    const { checkables: answers, draws: drawn, found } = this.tally;
    const pairs = this.pairs.all().map((pair) => auditedPair(pair, calibrationFor(calibrations, pair)));
    const counts = { answers, drawn, checked: found.agrees + found.deviates, ...found };
    return { share: terms.share, ...counts, ...this.standings.counts(), pairs };
  }

  /** A provider has said what it offers: it hears how it stands. */
  advertised({ peerId, models }: RegisteredPeer): void {
    const appeal =
      this.standings.worst(peerId) === 'convicted' ? (this.#options.table.appeals.last(peerId)?.outcome ?? null) : null;
    for (const model of models) {
      const standing = this.standings.told(peerId, model, this.#dues?.slashedBy(peerId) ?? null, appeal);
      if (standing !== null) this.#ways?.tell(peerId, standing);
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#stopSweep();
    this.#appeals.close();
    this.#retests.close();
    await this.#draws.close();
    await this.#dues?.close();
  }

  #drawn(audits: OpenAudit[]): void {
    this.#options.table.draw(audits);
    for (const audit of audits) {
      this.#open.put(audit);
      // A requester that is among them knows the answer.
      this.#ask(
        audit,
        audit.auditors.filter(({ peerId }) => peerId !== audit.requester.peerId),
      );
    }
  }

  /** Has the requester, or whoever else has the evidence, send it to these. */
  #ask(audit: OpenAudit, auditors: readonly DrawnAuditor[], holder = audit.requester.peerId): void {
    // A lease is for so many.
    for (let at = 0; at < auditors.length; at += MAX_CANDIDATES)
      this.#send(audit, auditors.slice(at, at + MAX_CANDIDATES), holder).catch((thrown: unknown) =>
        this.#options.failed(thrown),
      );
  }

  async #send(audit: OpenAudit, auditors: readonly DrawnAuditor[], holder: PeerId): Promise<void> {
    const { leases, registry } = this.#options;
    const { model, draw, leaseNonce } = audit;
    const offer = { task: CHAT, model };
    const ways = this.#ways;
    if (ways === null) return;
    const candidates = auditors
      .map(({ peerId }) => registry.find(peerId))
      .filter((peer) => peer !== null)
      .map((peer) => ways.candidate(peer, offer));
    const asked = { ...offer, requester: holder, complexity: PLAIN, maxUnits: AUDIT_UNITS };
    const lease = await leases.lease(candidates, asked);
    if (lease === null) return;
    this.#remember(lease, candidates);
    const message = { draw: toBase32(draw), lease, auditors: candidates };
    ways.tell(holder, { type: 'audit', leaseId: toBase32(leaseNonce), ...message });
  }

  #remember(lease: string, candidates: readonly Candidate[]): void {
    const leases = readLeases(fromBase32(lease)!, () => true);
    for (const { peerId } of candidates) {
      const nonce = leases === null ? undefined : leaseOf(leases, peerId)?.nonce;
      if (nonce !== undefined) this.#leases.set(Buffer.from(nonce).toString('hex'), true);
    }
  }

  /** An auditor has reported: perhaps the last one that was asked. */
  #found(audit: OpenAudit): void {
    if (audit.isAppeal === true) return this.#appeals.found(audit);
    if (audit.findings.length < audit.auditors.length) return;
    const { terms, random } = this.#options;
    const isKnown = isKnownAnswer(audit);
    const { judged } = settle(audit.findings, terms.platform);
    const abstained = audit.findings.length - judged.length;
    // Chance, and only now: an auditor that knew from the draw that nobody reads after it could find whatever it likes.
    const isConfirmed = judged.length > 1 || random() < terms.confirmed;
    const wanted = isKnown
      ? moreForKnown(judged, abstained, isDecisive(audit.findings, audit.requester.peerId))
      : moreAuditors(judged, abstained, isConfirmed);
    const draw = wanted === 0 ? null : readDraw(audit.draw, this.#options.key.peerId, nodeVerify);
    const more = draw === null ? null : this.#draws.more(audit, draw.beta, Math.min(wanted, MAX_CANDIDATES), isKnown);
    if (more === null) return this.#settle(audit);
    const wider = { ...audit, auditors: [...audit.auditors, ...more] };
    this.#options.table.draw([wider]);
    this.#open.put(wider);
    this.#ask(wider, more);
  }

  #settle(audit: OpenAudit): void {
    const { table, now, terms } = this.#options;
    const counts = this.tally;
    const provider = audit.provider.peerId;
    const before = this.standings.of(provider, audit.file).level;
    const own = { standings: this.standings, records: this.#records, terms, pays: this.#dues !== null, nowMs: now() };
    const aftermath = aftermathOf(audit, before, own);
    const { settled, standing, auditors, slashing, fees } = aftermath;
    table.settle(aftermath, own.nowMs);
    this.#open.end(audit);
    for (const [peer, state] of auditors) this.#records.put(peer, state);
    if (slashing !== null || fees.auditors.length > 0) this.#dues?.look();
    // Nothing follows for who made it.
    if (isKnownAnswer(audit)) return;
    counts.done(settled.verdict);
    if (settled.verdict === 'agrees') this.#ways?.agreed(provider);
    if (standing === null) return;
    this.standings.put(standing);
    if (standing.level !== before) counts.became(standing.level);
    this.#follow(provider, before !== standing.level);
  }

  #tell(provider: PeerId): void {
    const peer = this.#options.registry.find(provider);
    if (peer !== null) this.advertised(peer);
  }

  #follow(provider: PeerId, hasChanged: boolean): void {
    const { registry } = this.#options;
    const peer = registry.find(provider);
    if (peer !== null && hasChanged) registry.judged(peer);
    if (hasChanged) this.#ways?.changed();
    this.#tell(provider);
  }

  /** Of audits whose auditors were given long enough, what was found counts. */
  #sweep(): void {
    const { clock, now, terms } = this.#options;
    this.#stopSweep = clock.after(SWEEP_MS, () => this.#sweep());
    this.#guard(() => {
      for (const audit of this.#open.drawnBefore(now() - terms.patienceMs)) this.#settle(audit);
    });
  }

  /** While the disk is full nothing is settled: the next sweep tries again. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (thrown) {
      this.#options.failed(thrown);
    }
  }
}
