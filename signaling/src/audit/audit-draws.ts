/**
 * Decides which answers are audited, and by whom. The receipts of an epoch are gathered; at its end one verifiable draw
 * decides about all of them, so that nobody, not even we, could know or choose it while they were filed.
 */
import { createHash } from 'node:crypto';
import { drawAuditors, rootOf, selected } from '@llmesh/core/proof/draw';
import type { PeerId } from '@llmesh/core/base/ids';
import type { DeliveredReceipt } from '../receipts/delivered.ts';
import { loadOf } from '../registry/registered-peer.ts';
import type { AuditNeeds } from './audit-needs.ts';
import type { AuditCounts } from './figures/audit-events.ts';
import { AuditShare } from './share/audit-share.ts';
import { workOf } from './share/audit-terms.ts';
import { canAudit } from './eligible-auditors.ts';
import { panelOf } from './auditors/independence.ts';
import type { KnownAnswers } from './auditors/known-answers.ts';
import type { OfferedFile } from './share/offered-files.ts';
import type { Audited, DrawnAuditor, OpenAudit } from './auditors/open-audits.ts';

/** Receipts of one epoch that a draw decides about; any more are not audited. */
const MAX_GATHERED = 20_000;
/** Receipts that are decided about before everyone else gets a turn. */
const AT_ONCE = 128;
/** Nobody counts as idle for longer than this before a draw: what was spared then is gone. */
const MAX_IDLE_MS = 60_000;

export interface AuditDrawsNeeds extends Omit<AuditNeeds, 'eligible'> {
  counts: AuditCounts;
  known: Pick<KnownAnswers, 'has'>;
  /** `isKnown`: it is a known answer. */
  eligible: (audited: Pick<Audited, 'model' | 'file'>, isKnown: boolean) => DrawnAuditor[];
  /** No more can be under way. */
  isFull: () => boolean;
  /** Resolves when they are written down. */
  drawn: (audits: OpenAudit[]) => Promise<void>;
}

interface Gathered {
  readonly answer: Omit<Audited, 'requester'>;
  readonly requester: PeerId;
  /** The chance that it is audited. */
  readonly share: number;
  /** It tests the auditors, and not its provider. */
  readonly isKnown: boolean;
}

export class AuditDraws {
  readonly #needs: AuditDrawsNeeds;
  readonly #share: AuditShare;
  #gathered: Gathered[] = [];
  #epoch = 0;
  #drawnMs: number;
  #stopTimer: (() => void) | null = null;
  /** One draw after the other. */
  #drawing: Promise<void> = Promise.resolve();

  constructor(needs: AuditDrawsNeeds) {
    this.#needs = needs;
    this.#share = new AuditShare(needs.clock, needs.terms);
    this.#drawnMs = needs.clock.now();
  }

  /** This receipt was kept, of an answer with this file. */
  gather(delivered: DeliveredReceipt, { file, engine, network }: OfferedFile): void {
    const { lease, units, providerHalf } = delivered;
    const { terms, standings, clock, counts, known } = this.#needs;
    const work = workOf(delivered);
    const isKnown = known.has(lease);
    if (!isKnown) this.#share.earn(work);
    if (units === 0 || terms.share === 0 || this.#gathered.length >= MAX_GATHERED) return;
    const { provider, requester, model, nonce: leaseNonce } = lease;
    const { level, state } = standings.of(provider, file);
    // Nothing follows from one more; an appeal is another matter.
    if (level === 'convicted') return;
    // A known answer, too: whoever is asked to read it, sees these figures.
    counts.checkable();
    const share = isKnown ? 1 : this.#share.next(provider, file, { level, checked: state.checked, work });
    const receipt = new Uint8Array(createHash('sha256').update(providerHalf).digest());
    const answer = { receipt, leaseNonce, provider: { peerId: provider, network }, model, file, engine, work };
    this.#gathered.push({ answer, requester, share, isKnown });
    this.#stopTimer ??= clock.after(terms.epochMs, () => {
      this.#stopTimer = null;
      this.#drawing = this.#drawing.then(() => this.#draw());
    });
  }

  /** See `AuditShare.retest`. */
  retest(provider: PeerId): boolean {
    return this.#share.retest(provider);
  }

  /** One more auditor, or several, for an answer that needs them; null: there is nobody else. */
  more(audit: OpenAudit, beta: Uint8Array, count: number, isKnown: boolean): DrawnAuditor[] | null {
    const { eligible, terms } = this.#needs;
    const known = new Set(audit.auditors.map(({ peerId }) => peerId));
    const others = eligible(audit, isKnown).filter(({ peerId }) => !known.has(peerId));
    const ends = [audit.provider, audit.requester, ...audit.auditors];
    const panel = panelOf(inOrder(beta, audit.receipt, others), ends, count, terms.platform);
    if (panel.length === 0) return null;
    this.#share.charge(audit.work, panel.length);
    return panel;
  }

  /** Idempotent. What was gathered is not audited: its epoch has not ended. */
  async close(): Promise<void> {
    this.#stopTimer?.();
    this.#stopTimer = null;
    await this.#drawing;
  }

  /** Never rejects. */
  async #draw(): Promise<void> {
    const { key, now, terms, failed, drawn } = this.#needs;
    const gathered = this.#gathered;
    this.#gathered = [];
    this.#spare();
    // The number only has to be new, also after a restart.
    this.#epoch = Math.max(this.#epoch + 1, Math.floor(now() / terms.epochMs));
    try {
      const root = rootOf(gathered.map(({ answer }) => answer.receipt));
      const { draw, bytes } = await key.draw({ epoch: this.#epoch, root });
      const audits: OpenAudit[] = [];
      for (const [i, one] of gathered.entries()) {
        if (i % AT_ONCE === AT_ONCE - 1) await turn();
        const { answer, share } = one;
        if (!selected(draw.beta, answer.receipt, share)) continue;
        const audit = this.#panelFor(one, draw.beta, bytes);
        if (audit !== null) audits.push(audit);
      }
      if (audits.length > 0) await drawn(audits);
    } catch (thrown) {
      failed(thrown);
    }
  }

  /** Those who could audit and have nothing to do leave time for more audits than the usual ones. */
  #spare(): void {
    const { clock, registry, standings } = this.#needs;
    const nowMs = clock.now();
    const idleMs = Math.min(MAX_IDLE_MS, nowMs - this.#drawnMs);
    this.#drawnMs = nowMs;
    const idle = registry
      .listed()
      .filter((peer) => loadOf(peer) === 0 && peer.models.some(canAudit) && standings.worst(peer.peerId) === 'good');
    this.#share.idle((idle.length * idleMs) / 1_000);
  }

  /** Null: it cannot be audited, and why was counted. */
  #panelFor({ answer, requester: asker, isKnown }: Gathered, beta: Uint8Array, draw: Uint8Array): OpenAudit | null {
    const { registry, terms, counts, eligible, isFull, now } = this.#needs;
    const refuse = (why: Parameters<AuditCounts['notDrawn']>[0]) => {
      counts.notDrawn(why);
      return null;
    };
    const asking = registry.find(asker);
    if (asking === null) return refuse('requester_gone');
    if (isFull()) return refuse('too_many');
    const requester = { peerId: asker, network: asking.network };
    const { receipt, provider, work } = answer;
    const why = !isKnown && selected(beta, receipt, terms.share) ? 'usual' : 'extra';
    if (!this.#share.spend(why, work, provider.network)) return refuse('over_budget');
    const drawn = inOrder(beta, receipt, eligible(answer, isKnown));
    const panel = panelOf(drawn, [provider, requester], 1, terms.platform);
    if (panel.length === 0) {
      this.#share.refund(why, work);
      return refuse('no_auditor');
    }
    counts.drawn();
    const auditors = isKnown ? [{ ...requester, engine: answer.engine }, ...panel] : panel;
    return { ...answer, requester, draw, drawnMs: now(), auditors, findings: [] };
  }
}

/** In the order of the draw, which depends on nothing but the draw. */
function inOrder(beta: Uint8Array, receipt: Uint8Array, eligible: readonly DrawnAuditor[]): DrawnAuditor[] {
  const byId = new Map(eligible.map((auditor) => [auditor.peerId, auditor]));
  return drawAuditors(beta, receipt, [...byId.keys()], byId.size).map((peerId) => byId.get(peerId)!);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
