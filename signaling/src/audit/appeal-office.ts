/**
 * Appeals against convictions: the answer that decided goes to five auditors who have not seen it, drawn from the receipt and the
 * owner's own order. Whoever has its evidence sends it to them: the requester, or those who accused its provider. We never see
 * it. Nobody is acquitted because the evidence is lost, and nobody pays for that either.
 */
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { drawAuditors, rootOf } from '@llmesh/core/proof/draw';
import { sha256 } from '@noble/hashes/sha2.js';
import type { AuditNeeds } from './audit-needs.ts';
import type { AuditTable } from './audit-table.ts';
import type { AuditorRecords } from './auditors/auditor-records.ts';
import { panelOf } from './auditors/independence.ts';
import type { DrawnAuditor, OpenAudit, OpenAudits } from './auditors/open-audits.ts';
import type { InTurn } from './in-turn.ts';
import { MAX_OPEN_APPEALS, type KeptAppeal } from './appeal-table.ts';
import { APPEAL_AUDITORS, judgementOf, type Judgement } from './judgement.ts';

/** How often auditors, and somebody with the evidence, are looked for. */
const LOOK_MS = 60_000;
/** So long requesters and auditors keep the evidence of an answer that was found wrong. */
const WINDOW_MS = 7 * 86_400_000;

export interface AppealOfficeNeeds extends AuditNeeds {
  records: AuditorRecords;
  table: AuditTable;
  open: OpenAudits;
  inTurn: InTurn;
  /** The ledger is to hear of it. */
  pays: boolean;
  /** Has `holder` send the evidence to these. */
  send: (audit: OpenAudit, auditors: readonly DrawnAuditor[], holder: PeerId) => void;
  decided: (judgement: Judgement) => void;
}

interface Hearing {
  readonly appeal: KeptAppeal;
  readonly nonce: Uint8Array;
  readonly beta: Uint8Array;
  /** Those who checked the answer first. */
  readonly earlier: readonly DrawnAuditor[];
  /** Those of them who found that it deviates, and the requester: one of them has the evidence. */
  readonly holders: readonly PeerId[];
  turn: number;
}

export class AppealOffice {
  readonly #needs: AppealOfficeNeeds;
  readonly #hearings = new Map<PeerId, Hearing>();
  #stopTimer: () => void;

  constructor(needs: AppealOfficeNeeds) {
    this.#needs = needs;
    for (const appeal of needs.table.appeals.open()) needs.inTurn.run(() => this.#open(appeal)).catch(needs.failed);
    this.#stopTimer = this.#lookAgain();
  }

  /** It is written down when this resolves. Rejects with order_refused where there is nothing to appeal against, busy when a retry makes sense. */
  file(by: PeerId, order: Uint8Array): Promise<void> {
    return this.#needs.inTurn.run(() => this.#file(by, order));
  }

  /** One of its auditors has reported. For whoever has its turn. */
  async found(audit: OpenAudit): Promise<void> {
    const hearing = this.#hearings.get(audit.provider.peerId);
    if (hearing === undefined) return;
    if (judgedIn(audit).length >= APPEAL_AUDITORS) await this.#decide(hearing, audit);
    else if (audit.findings.length === audit.auditors.length) this.#hold(hearing);
  }

  /** Idempotent. */
  close(): void {
    this.#stopTimer();
  }

  async #file(by: PeerId, order: Uint8Array): Promise<void> {
    const { standings, table, now, failed } = this.#needs;
    if (this.#hearings.has(by)) return;
    const file = standings.convictedOf(by);
    if (file === null) throw refused('This computer is not convicted: "llmesh worker status" says how it stands.');
    const receipt = table.appeals.decided(by, file);
    const before = receipt === null ? null : table.appeals.find(receipt);
    if (receipt === null) throw refused(`What it was convicted for is no longer kept. ${OPERATOR}`);
    if (before !== null && before.outcome !== 'undecided')
      throw refused(`Five other auditors have looked at this answer already. ${OPERATOR}`);
    if (this.#hearings.size >= MAX_OPEN_APPEALS)
      throw new MeshError('busy', 'Too many appeals are being heard. Try again tomorrow.');
    const appeal = { receipt, provider: by, file, order, openedMs: Math.floor(now()), outcome: 'open' } as const;
    await table.appeals.put(appeal);
    // It is on the disk: what goes wrong now is tried again after the next start.
    await this.#open(appeal).catch(failed);
  }

  async #open(appeal: KeptAppeal): Promise<void> {
    const { table, key, open, now } = this.#needs;
    const { receipt, provider, order } = appeal;
    const audit = table.find(receipt);
    if (audit === null) return this.#end(appeal);
    const earlier = audit.auditors;
    const before = new Set(earlier.map(({ peerId }) => peerId));
    const accusers = audit.findings.filter(({ auditor, verdict }) => before.has(auditor) && verdict === 'deviates');
    const holders = [audit.requester.peerId, ...accusers.map(({ auditor }) => auditor)];
    // Neither we nor the owner can choose this number: it follows from the receipt, the order and our key.
    const { bytes, draw } = await key.draw({ epoch: appeal.openedMs, root: rootOf([receipt, sha256(order)]) });
    // What was reported before a restart counts; who was only asked is asked again.
    const findings = audit.findings.filter(({ auditor }) => !before.has(auditor));
    const auditors = findings.map(({ auditor }) => ({ peerId: auditor, network: '', engine: audit.engine }));
    const appealed = { ...audit, draw: bytes, drawnMs: now(), findings, auditors, isAppeal: true } as const;
    const hearing = { appeal, nonce: audit.leaseNonce, beta: draw.beta, earlier, holders, turn: 0 };
    this.#hearings.set(provider, hearing);
    open.put(appealed);
    if (judgedIn(appealed).length >= APPEAL_AUDITORS) await this.#decide(hearing, appealed);
    else this.#hold(hearing);
  }

  #lookAgain(): () => void {
    const { clock, inTurn, failed } = this.#needs;
    return clock.after(LOOK_MS, () => {
      this.#stopTimer = this.#lookAgain();
      inTurn.run(() => this.#look()).catch(failed);
    });
  }

  async #look(): Promise<void> {
    const { now, failed } = this.#needs;
    for (const hearing of this.#hearings.values()) {
      try {
        if (now() - hearing.appeal.openedMs > WINDOW_MS) await this.#end(hearing.appeal);
        else this.#hold(hearing);
      } catch (thrown) {
        failed(thrown);
      }
    }
  }

  /** Asks as many auditors as are missing, if there are so many, by the next of those who may have the evidence. */
  #hold(hearing: Hearing): void {
    const { open, terms, registry, send } = this.#needs;
    const audit = open.find(hearing.nonce);
    if (audit?.isAppeal !== true) return;
    const holders = hearing.holders.filter((holder) => registry.find(holder) !== null);
    const holder = holders[hearing.turn++ % Math.max(1, holders.length)];
    if (holder === undefined) return;
    const wanted = APPEAL_AUDITORS - judgedIn(audit).length;
    const ends = [audit.provider, audit.requester, ...hearing.earlier];
    const heard = audit.auditors.filter(({ peerId }) => audit.findings.some(({ auditor }) => auditor === peerId));
    const panel = (asked: readonly DrawnAuditor[]) => {
      const known = new Set([...hearing.earlier, ...asked].map(({ peerId }) => peerId));
      const others = this.#inOrder(hearing, audit).filter(({ peerId }) => !known.has(peerId));
      return panelOf(others, [...ends, ...asked], wanted, terms.platform);
    };
    // Those who keep silent are asked again when there is nobody else.
    const fresh = panel(audit.auditors);
    const all = fresh.length >= wanted ? fresh : panel(heard);
    if (all.length < wanted) return;
    const asked = new Map([...audit.auditors, ...all].map((auditor) => [auditor.peerId, auditor]));
    const wider = { ...audit, auditors: [...asked.values()] };
    open.put(wider);
    send(wider, all, holder);
  }

  #inOrder({ beta }: Hearing, audit: OpenAudit): DrawnAuditor[] {
    const byId = new Map(this.#needs.eligible(audit).map((auditor) => [auditor.peerId, auditor]));
    return drawAuditors(beta, audit.receipt, [...byId.keys()], byId.size).map((peerId) => byId.get(peerId)!);
  }

  async #decide({ appeal, holders }: Hearing, audit: OpenAudit): Promise<void> {
    const { open, table, standings, terms, records, pays, decided, now } = this.#needs;
    const judgement = judgementOf({
      ...{ appeal, records, platform: terms.platform },
      state: standings.of(appeal.provider, appeal.file).state,
      findings: judgedIn(audit).slice(0, APPEAL_AUDITORS),
      accusers: holders.filter((holder) => holder !== audit.requester.peerId),
      reports: pays ? table.reports(appeal.receipt) : null,
    });
    await table.decideAppeal(judgement, now());
    this.#hearings.delete(appeal.provider);
    open.end(audit);
    for (const [peer, record] of judgement.auditors) records.put(peer, record);
    decided(judgement);
  }

  /** Nobody could decide it. */
  async #end(appeal: KeptAppeal): Promise<void> {
    const { table, open } = this.#needs;
    await table.appeals.put({ ...appeal, outcome: 'undecided' });
    const hearing = this.#hearings.get(appeal.provider);
    this.#hearings.delete(appeal.provider);
    const audit = hearing === undefined ? null : open.find(hearing.nonce);
    if (audit?.isAppeal === true) open.end(audit);
  }
}

function judgedIn({ findings }: OpenAudit): OpenAudit['findings'] {
  return findings.filter(({ verdict }) => verdict !== 'unknown');
}

function refused(why: string): MeshError {
  return new MeshError('order_refused', `There is no appeal. ${why}`);
}

const OPERATOR = 'Ask the operator of this mesh, who may forgive it.';
