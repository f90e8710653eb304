/**
 * Tests that lead out of quarantine. Nobody is sent to a quarantined provider, so nothing of it would be checked: when its owner asks
 * to be tested again, workers that check answers are asked to question it, each as somebody whom it does not know. Who they
 * are, follows from the owner's order and a draw; they stand in other networks than it. Its answers go the way of all others, to
 * auditors who are drawn anew. Nothing is forgiven: the quarantine ends when enough of them agree.
 */
import { createHash } from 'node:crypto';
import type { PeerId } from '@llmesh/core/base/ids';
import { drawAuditors, rootOf } from '@llmesh/core/proof/draw';
import { modelOf } from '../registry/registered-peer.ts';
import { CHAT } from '@llmesh/core/wire/model-advert';
import type { QuestionCall } from '@llmesh/core/wire/audit-messages';
import type { AuditNeeds } from './audit-needs.ts';
import { panelOf } from './auditors/independence.ts';
import { RETESTED_ANSWERS } from './share/audit-share.ts';
import type { KeptStanding } from './kept-standing.ts';

/** Providers that are tested at the same time. */
const MAX_OPEN = 256;

export interface RetestsNeeds extends AuditNeeds {
  question: (asker: PeerId, question: QuestionCall) => void;
}

interface Retest {
  readonly standing: KeptStanding;
  readonly beta: Uint8Array;
  readonly order: Uint8Array;
  /** Those who were asked, in turn. */
  readonly asked: PeerId[];
}

export class Retests {
  readonly #needs: RetestsNeeds;
  readonly #open = new Map<PeerId, Retest>();
  #stopTimer: (() => void) | null = null;

  constructor(needs: RetestsNeeds) {
    this.#needs = needs;
  }

  /** Its owner signed these bytes. Does nothing where it is not quarantined: strangers are sent there anyway. */
  begin(provider: PeerId, order: Uint8Array): void {
    const standing = this.#needs.standings.quarantinedOf(provider);
    if (standing === null || (this.#open.size >= MAX_OPEN && !this.#open.has(provider))) return;
    this.#draw(standing, order).catch((thrown: unknown) => this.#needs.failed(thrown));
  }

  /** Idempotent. */
  close(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#open.clear();
  }

  async #draw(standing: KeptStanding, bytes: Uint8Array): Promise<void> {
    const { key, now } = this.#needs;
    const order = new Uint8Array(createHash('sha256').update(bytes).digest());
    const { draw } = await key.draw({ epoch: Math.floor(now()), root: rootOf([order]) });
    this.#open.set(standing.provider, { standing, beta: draw.beta, order, asked: [] });
    this.#ask();
  }

  /** One question for each that is still to be tested. */
  #ask(): void {
    this.#stopTimer?.();
    for (const [provider, retest] of this.#open) if (!this.#askOne(retest)) this.#open.delete(provider);
    this.#stopTimer =
      this.#open.size === 0 ? null : this.#needs.clock.after(this.#needs.terms.retestMs, () => this.#ask());
  }

  /** False: it is over. */
  #askOne({ standing, beta, order, asked }: Retest): boolean {
    const { registry, standings, terms, eligible, question } = this.#needs;
    const { provider, file } = standing;
    if (asked.length >= RETESTED_ANSWERS || standings.of(provider, file).level !== 'quarantined') return false;
    const tested = registry.find(provider);
    // It is not there now, or offers something else.
    const model = tested?.models.find(({ sha256 }) => sha256 === file);
    if (tested === null || model === undefined || modelOf(tested, { task: CHAT, model: model.id }) === null)
      return true;
    const able = new Map(
      eligible({ model: model.id, file })
        .filter(({ peerId }) => registry.find(peerId)?.agent === 'native')
        .map((one) => [one.peerId, one]),
    );
    const drawn = drawAuditors(beta, order, [...able.keys()], able.size).map((peerId) => able.get(peerId)!);
    const panel = panelOf(drawn, [{ peerId: provider, network: tested.network }], RETESTED_ANSWERS, terms.platform);
    // Where there are few, their turn comes again.
    const asker =
      panel.find(({ peerId }) => !asked.includes(peerId)) ?? panel[asked.length % Math.max(1, panel.length)];
    if (asker === undefined) return true;
    asked.push(asker.peerId);
    question(asker.peerId, { type: 'question', provider, model: model.id });
    return true;
  }
}
