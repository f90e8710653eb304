/** One conversation of a worker with the mesh, as somebody whom nobody knows: what is asked, and what becomes of the answers. */
import { untilAborted } from '@llmesh/core/base/abort';
import { toBase32 } from '@llmesh/core/base/base32';
import type { Clock } from '@llmesh/core/base/clock';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { OrderSigner } from '@llmesh/core/control/give-order';
import type { Engine } from '@llmesh/core/engine/engine';
import type { Identity, verify } from '@llmesh/core/identity/identity';
import type { Mesh } from '@llmesh/core/mesh';
import { signReport } from '@llmesh/core/proof/audit-report';
import type { Calibration } from '@llmesh/core/proof/calibration';
import { engineNameOf } from '@llmesh/core/proof/engine-name';
import { readEvidence } from '@llmesh/core/proof/evidence';
import { judge, type Judgement } from '@llmesh/core/proof/verdict';
import type { Turn } from '@llmesh/core/protocol';
import { findings, type Findings, type Scorer } from '@llmesh/core/tasks/audit-task';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import type { DoctoredAnswers } from './doctored.ts';
import type { ConversationShape } from './request-shapes.ts';
import { madeUp } from './shadow-writer.ts';

/** It stays so long, like somebody who reads: answers are drawn and checked in this time, which it has the evidence for. */
const READS_MS = 5 * 60_000;

/**
 * Why it is had. `anyone`: who answers is checked like everybody. `known`: this worker answers itself, so that auditors can be tested.
 * `named`: this one is to be tested again.
 */
export type Purpose =
  | { readonly why: 'anyone' }
  | { readonly why: 'known'; readonly isDoctored: boolean }
  | { readonly why: 'named'; readonly provider: PeerId };

export interface ShadowFinding extends Judgement {
  /** Who answered. */
  provider: PeerId;
  tokens: number;
}

/** Somebody whom nobody knows. */
export interface Stranger {
  readonly mesh: Pick<Mesh, 'ask' | 'control'>;
  readonly identity: Identity;
  readonly close: () => Promise<void>;
}

export interface ConversationNeeds {
  engine: Scorer & Pick<Engine<never>, 'generate'>;
  advert: () => ModelAdvert;
  /** Joins the mesh as somebody whom nobody knows, who leaves with `close`. */
  open: (signal: AbortSignal) => Promise<Stranger>;
  /** This worker, and its signature under orders. */
  self: PeerId;
  sign: OrderSigner;
  doctored: Pick<DoctoredAnswers, 'begin'>;
  verify: typeof verify;
  found: (finding: ShadowFinding) => void;
  clock: Clock;
  /** Left out: those that are published. */
  calibrations?: readonly Calibration[];
}

export class ShadowConversation {
  readonly #needs: ConversationNeeds;
  readonly #shape: ConversationShape;
  readonly #purpose: Purpose;
  readonly #turns: Turn[] = [];
  /** Reports about known answers, by the nonces of their leases; null: it is drawn, and the report is not there yet. */
  readonly #reports = new Map<string, Uint8Array | null>();
  /** What became of sending them: null, or why it failed. */
  readonly #filing: Promise<MeshError | null>[] = [];
  #leave: () => Promise<void> = () => Promise.resolve();

  constructor(shape: ConversationShape, purpose: Purpose, needs: ConversationNeeds) {
    this.#needs = needs;
    this.#shape = shape;
    this.#purpose = purpose;
  }

  /** Resolves when all is said; false: the model has not as much to say. Then it has left the mesh, as when this rejects. */
  async have(signal: AbortSignal): Promise<boolean> {
    const { before, asked } = this.#shape;
    for (const { role, chars } of before) if (!(await this.#say(role, chars, signal))) return false;
    if (!(await this.#say('user', asked[0].chars, signal))) return false;
    // It is on the mesh only when it has something to ask.
    const peer = await this.#needs.open(signal);
    this.#leave = peer.close;
    if (this.#purpose.why === 'known') {
      peer.mesh.control.on('audit', ({ leaseId }) => {
        const filed = this.#drawn(leaseId, peer, signal).then(
          () => null,
          (thrown: unknown) => asMeshError(thrown, 'control_unreachable', 'What an answer is, could not be said.'),
        );
        this.#filing.push(filed);
      });
    }
    let undo = () => {};
    try {
      undo = await this.#announced(peer, signal);
      let prefer: PeerId | null = this.#purpose.why === 'known' ? this.#needs.self : null;
      for (const [i, { chars, waitMs }] of asked.entries()) {
        if (i > 0) {
          // Whoever answers may not see how long the words were in the making.
          const [isSaid] = await Promise.all([this.#say('user', chars, signal), pause(waitMs, this.#needs, signal)]);
          if (!isSaid) break;
        }
        const answer = await this.#ask(peer, prefer, signal);
        prefer = answer.provider;
        this.#turns.push({ role: 'assistant', content: answer.text });
      }
      return true;
    } catch (thrown) {
      await peer.close();
      throw thrown;
    } finally {
      undo();
    }
  }

  /** Stays until others have checked the answers, and leaves the mesh. Rejects as the mesh does, and with cancelled. */
  async read(signal: AbortSignal): Promise<void> {
    try {
      await pause(READS_MS, this.#needs, signal);
      const fault = (await Promise.all(this.#filing)).find((thrown) => thrown !== null);
      if (fault !== undefined) throw fault;
    } finally {
      await this.#leave();
    }
  }

  async #say(role: Turn['role'], chars: number, signal: AbortSignal): Promise<boolean> {
    const content = await madeUp(this.#needs.engine, role, chars, this.#turns, signal);
    if (content !== null) this.#turns.push({ role, content });
    return content !== null;
  }

  /** Says that known answers follow, and doctors them. Returns how to end that. */
  async #announced({ mesh, identity }: Stranger, signal: AbortSignal): Promise<() => void> {
    const { sign, doctored } = this.#needs;
    if (this.#purpose.why !== 'known') return () => {};
    await mesh.control.order({ kind: 'known-answers', requester: identity.peerId }, sign, signal);
    return this.#purpose.isDoctored ? doctored.begin(identity.peerId) : () => {};
  }

  async #ask(
    peer: Stranger,
    prefer: PeerId | null,
    signal: AbortSignal,
  ): Promise<{ text: string; provider: PeerId | null }> {
    const { advert, self } = this.#needs;
    const { sampling, thinking, maxTokens } = this.#shape;
    const purpose = this.#purpose;
    const { id, sha256 } = advert();
    const signed: Uint8Array[] = [];
    let text = '';
    let provider: PeerId | null = null;
    const request = {
      model: id,
      sha256,
      turns: [...this.#turns],
      sampling,
      maxTokens,
      only: purpose.why === 'named' ? [purpose.provider] : null,
      // Among others, so that its lease looks like any.
      exclude: purpose.why === 'known' ? [] : [self],
      prefer,
      ...(purpose.why === 'named' && { checks: 'named' as const }),
      ...(thinking !== undefined && { thinking }),
      onSigned: (evidence: Uint8Array) => void signed.push(evidence),
    };
    for await (const event of peer.mesh.ask(request, signal)) {
      if (event.type === 'piece') text += event.text;
      if (event.type === 'done') ({ provider } = event.summary);
    }
    for (const evidence of signed) await this.#check(evidence, peer, signal);
    return { text, provider };
  }

  async #check(packed: Uint8Array, peer: Stranger, signal: AbortSignal): Promise<void> {
    const { engine, advert, self, verify, calibrations, found } = this.#needs;
    const evidence = readEvidence(packed);
    if (evidence === null) throw new MeshError('receipt_refused', 'What was kept of this answer cannot be read.');
    const offered = advert();
    const { mesh, identity } = peer;
    // What it answered itself, it reads as the stranger who asked.
    const reader = this.#purpose.why === 'known' ? identity.peerId : self;
    const { about, outcome } = await findings(engine, evidence, {
      issuer: mesh.control.issuer,
      offered,
      self: reader,
      verify,
      signal,
    });
    const figures = { ...about, ...outcome, auditorEngine: engineNameOf(offered) };
    if (about.provider === self) return this.#known(figures, peer, signal);
    const report = { ...figures, auditor: reader };
    found({ ...judge(report, calibrations), provider: about.provider, tokens: outcome.deviations.byteLength });
  }

  /** The truth about an answer of this worker. It goes out when the answer was drawn. */
  async #known(
    figures: Findings['about'] & Findings['outcome'] & { auditorEngine: ReturnType<typeof engineNameOf> },
    { mesh, identity }: Stranger,
    signal: AbortSignal,
  ): Promise<void> {
    const report = await signReport(figures, identity);
    const leaseId = toBase32(figures.leaseNonce);
    const isDrawn = this.#reports.has(leaseId);
    this.#reports.set(leaseId, report);
    if (isDrawn) await mesh.control.fileReport(report, signal);
  }

  /** Others were asked to read this answer. Rejects with the error of the mesh. */
  async #drawn(leaseId: string, { mesh }: Stranger, signal: AbortSignal): Promise<void> {
    const report = this.#reports.get(leaseId);
    if (report === undefined) this.#reports.set(leaseId, null);
    else if (report !== null) {
      // Where more are asked it is on file already: the same report counts once.
      await mesh.control.fileReport(report, signal);
    }
  }
}

/** Rejects with cancelled. */
export function pause(ms: number, { clock }: { clock: Clock }, signal: AbortSignal): Promise<void> {
  let stop = () => {};
  const passed = new Promise<void>((resolve) => (stop = clock.after(ms, resolve)));
  return untilAborted(passed, signal).finally(stop);
}

/** Whether enough known answers were given from here for now. */
export function isRefusedForNow(thrown: unknown): boolean {
  const { code } = asMeshError(thrown, 'engine_failed', '');
  return code === 'rate_limited' || code === 'order_refused' || code === 'unsupported';
}
