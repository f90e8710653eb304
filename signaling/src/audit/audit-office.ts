/**
 * Audits of the mesh's answers, from the filed receipt to what follows for its provider. It never sees a question or an
 * answer: the requester, who agreed to it, sends them to the auditors, sealed.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Audits } from '@llmesh/core/wire/api-pages';
import { calibrationFor, type Calibration } from '@llmesh/core/proof/calibration';
import type { Candidate } from '@llmesh/core/wire/candidate';
import { CHAT } from '@llmesh/core/wire/model-advert';
import type { Level } from '@llmesh/core/wire/audit-messages';
import type { FromServer } from '@llmesh/core/wire/control-protocol';
import type { LedgerPort } from '../ledger/ledger-port.ts';
import type { ControlKey } from '../receipts/control-key.ts';
import type { DeliveredReceipt } from '../receipts/delivered.ts';
import type { LeaseOffice } from '../receipts/lease-office.ts';
import type { RegisteredPeer } from '../registry/registered-peer.ts';
import type { Registry } from '../registry/registry.ts';
import type { Order } from '@llmesh/core/ledger/order';
import { AppealOffice } from './appeal-office.ts';
import { AuditCourse } from './audit-course.ts';
import { AuditDraws } from './audit-draws.ts';
import type { AuditCounts } from './figures/audit-events.ts';
import { AuditTally } from './figures/audit-tally.ts';
import { AuditReports } from './audit-reports.ts';
import type { AuditTable } from './audit-table.ts';
import type { AuditTerms } from './share/audit-terms.ts';
import { AuditorRecords } from './auditors/auditor-records.ts';
import { eligibleAuditors } from './eligible-auditors.ts';
import { LengthTable } from './figures/length-table.ts';
import { isKnownAnswer, KnownAnswers } from './auditors/known-answers.ts';
import { OfferedFiles } from './share/offered-files.ts';
import { OpenAudits, type OpenAudit } from './auditors/open-audits.ts';
import { auditedPair, PairTable } from './figures/pair-figures.ts';
import { AuditDues } from './dues/audit-dues.ts';
import { InTurn } from './in-turn.ts';
import { Retests } from './retests.ts';
import type { Aftermath } from './settlement.ts';
import { Standings } from './standings.ts';
import { Trust } from './trust.ts';

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
  readonly #files = new OfferedFiles();
  readonly #known: KnownAnswers;
  readonly #inTurn = new InTurn();
  readonly #draws: AuditDraws;
  readonly #course: AuditCourse;
  readonly #reports: AuditReports;
  /** Null: there are no credits. */
  readonly #dues: AuditDues | null;
  readonly #appeals: AppealOffice;
  readonly #retests: Retests;
  readonly trust: Trust;
  #ways: AuditWays | null = null;

  constructor(options: AuditOfficeOptions) {
    const { clock, now, terms, table, registry, ledger, failed } = options;
    this.#options = options;
    this.standings = new Standings(table.standings());
    this.pairs = new PairTable(table.pairs());
    const records = new AuditorRecords(table.auditors());
    const open = new OpenAudits();
    for (const audit of table.open(now() - terms.patienceMs)) open.put(audit);
    this.tally = new AuditTally(options.counts);
    this.#known = new KnownAnswers(clock);
    const known = { ...options, standings: this.standings, records };
    const needs = {
      ...known,
      ...{ pairs: this.pairs, counts: this.tally, known: this.#known, open, inTurn: this.#inTurn },
      pays: ledger.mode !== 'off',
      eligible: (audited: Pick<OpenAudit, 'model' | 'file'>, isKnown = false) =>
        eligibleAuditors(audited, known, isKnown),
    };
    this.#draws = new AuditDraws({
      ...needs,
      isFull: () => open.isFull,
      drawn: (audits) => this.#course.drawn(audits),
    });
    this.#course = new AuditCourse({
      ...needs,
      draws: this.#draws,
      candidate: (peer, offer) => this.#ways?.candidate(peer, offer) ?? null,
      tell: (peer, message) => this.#ways?.tell(peer, message),
      heard: (audit) => this.#appeals.found(audit),
      settled: (audit, aftermath, before) => this.#settled(audit, aftermath, before),
    });
    this.#reports = new AuditReports({ ...needs, found: (leaseNonce) => this.#course.found(leaseNonce) });
    const slashed = (provider: PeerId) => this.#tell(provider);
    this.#dues = needs.pays ? new AuditDues({ clock, now, ledger, table: table.dues, failed, slashed }) : null;
    this.#appeals = new AppealOffice({
      ...needs,
      send: (audit, auditors, holder) => this.#course.ask(audit, auditors, holder),
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
      question: (asker, question) => this.#ways?.tell(asker, question),
    });
    const checks = () => this.tally.found.agrees + this.tally.found.deviates > 0;
    this.trust = new Trust({ ...options, standings: this.standings, checks });
    registry.shuns = (provider, model) => this.standings.shuns(provider, model);
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
    if (lease.task !== CHAT || this.#course.isLease(lease.nonce)) return;
    this.lengths.count(inputUnits, units);
    const offered = this.#files.of(lease.provider, lease);
    if (offered !== null) this.#draws.gather(delivered, offered);
  }

  /** See `AuditReports.file`. */
  report(by: PeerId, bytes: Uint8Array): Promise<void> {
    return this.#reports.file(by, bytes);
  }

  /**
   * An owner ordered this, and `carrier` brought it: an appeal, another test, or known answers. Rejects with order_refused,
   * rate_limited or busy.
   */
  async ordered(order: Order, bytes: Uint8Array, carrier: PeerId): Promise<void> {
    if (order.kind === 'known-answers') {
      const network = this.#options.registry.find(order.by)?.network;
      if (network === undefined) throw new MeshError('order_refused', 'Whoever answers has to be there first.');
      return this.#known.announce(order.by, { ...order, carrier, network });
    }
    if (order.kind === 'appeal') {
      await this.#appeals.file(order.by, bytes);
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
    this.#course.close();
    this.#appeals.close();
    this.#retests.close();
    await this.#draws.close();
    await this.#inTurn.idle();
    await this.#dues?.close();
  }

  /** An audit is over: what the rest of the mesh hears of it. */
  #settled(audit: OpenAudit, { settled, standing, slashing, fees }: Aftermath, before: Level): void {
    if (slashing !== null || fees.auditors.length > 0) this.#dues?.look();
    // Nothing follows for who made it.
    if (isKnownAnswer(audit)) return;
    const provider = audit.provider.peerId;
    this.tally.done(settled.verdict);
    if (settled.verdict === 'agrees') this.#ways?.agreed(provider);
    if (standing === null) return;
    this.standings.put(standing);
    if (standing.level !== before) this.tally.became(standing.level);
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
}
