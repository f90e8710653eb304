/**
 * Asks the mesh, now and then and while nobody asks this worker, what its model made up, as a stranger would; and checks the
 * answer with the same model. Who answers cannot tell such a question from any other: it comes the same way, from an identity
 * that nobody knows, in the shape of a conversation that was really had. Like all others it may be drawn for an audit.
 */
import { untilAborted } from '@llmesh/core/base/abort';
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Engine } from '@llmesh/core/engine/engine';
import type { verify } from '@llmesh/core/identity/identity';
import type { Mesh } from '@llmesh/core/mesh';
import type { Calibration } from '@llmesh/core/proof/calibration';
import { engineNameOf } from '@llmesh/core/proof/engine-name';
import { readEvidence } from '@llmesh/core/proof/evidence';
import { judge, type Judgement } from '@llmesh/core/proof/verdict';
import type { Turn } from '@llmesh/core/protocol';
import { findings, type Scorer } from '@llmesh/core/tasks/audit-task';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import type { ConversationShape, RequestShapes } from './request-shapes.ts';
import { madeUp } from './shadow-writer.ts';

/** The time between two conversations, on average. */
const MEAN_PAUSE_MS = 30 * 60_000;
/** While others ask this worker, it looks again after this. */
const BUSY_MS = 60_000;

export interface ShadowFinding extends Judgement {
  /** Who answered. */
  provider: PeerId;
  tokens: number;
}

export interface ShadowNeeds {
  engine: Scorer & Pick<Engine<never>, 'generate'>;
  advert: () => ModelAdvert;
  shapes: Pick<RequestShapes, 'draw'>;
  /** Joins the mesh as somebody whom nobody knows, who leaves with `close`. */
  open: () => Promise<{ mesh: Pick<Mesh, 'ask' | 'control'>; close: () => Promise<void> }>;
  /** This worker, which is not asked. */
  self: PeerId;
  verify: typeof verify;
  /** Whether nobody asks this worker. */
  isIdle: () => boolean;
  found: (finding: ShadowFinding) => void;
  failed: (error: unknown) => void;
  clock: Clock;
  random: () => number;
  /** Left out: those that are published. */
  calibrations?: readonly Calibration[];
}

export class ShadowAsker {
  readonly #needs: ShadowNeeds;

  constructor(needs: ShadowNeeds) {
    this.#needs = needs;
  }

  /** Until `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { shapes, random, isIdle, failed } = this.#needs;
    while (!signal.aborted) {
      try {
        // Nobody can tell from the time when the next one comes.
        await this.#pause(-Math.log(1 - random()) * MEAN_PAUSE_MS, signal);
        while (!isIdle()) await this.#pause(BUSY_MS, signal);
        const shape = shapes.draw(random);
        if (shape !== null) await this.converse(shape, signal);
      } catch (thrown) {
        if (!signal.aborted) failed(thrown);
      }
    }
  }

  /** Has one conversation. Rejects as the engine and the mesh do. */
  async converse(shape: ConversationShape, signal: AbortSignal): Promise<void> {
    const turns: Turn[] = [];
    const say = async (role: Turn['role'], chars: number) => {
      const content = await madeUp(this.#needs.engine, role, chars, turns, signal);
      if (content !== null) turns.push({ role, content });
      return content !== null;
    };
    for (const { role, chars } of shape.before) if (!(await say(role, chars))) return;
    if (!(await say('user', shape.asked[0].chars))) return;
    // It is on the mesh only when it has something to ask.
    const peer = await this.#needs.open();
    try {
      let prefer: PeerId | null = null;
      for (const [i, { chars, waitMs }] of shape.asked.entries()) {
        if (i > 0) {
          // Whoever answers may not see how long the words were in the making.
          const [isSaid] = await Promise.all([say('user', chars), this.#pause(waitMs, signal)]);
          if (!isSaid) return;
        }
        const answer = await this.#ask(peer.mesh, turns, shape, prefer, signal);
        prefer = answer.provider;
        turns.push({ role: 'assistant', content: answer.text });
      }
    } finally {
      await peer.close();
    }
  }

  async #ask(
    mesh: Pick<Mesh, 'ask' | 'control'>,
    turns: readonly Turn[],
    { sampling, thinking, maxTokens }: ConversationShape,
    prefer: PeerId | null,
    signal: AbortSignal,
  ): Promise<{ text: string; provider: PeerId | null }> {
    const { advert, self } = this.#needs;
    const { id, sha256 } = advert();
    const signed: Uint8Array[] = [];
    let text = '';
    let provider: PeerId | null = null;
    const request = {
      model: id,
      sha256,
      turns: [...turns],
      sampling,
      maxTokens,
      only: null,
      exclude: [self],
      prefer,
      ...(thinking !== undefined && { thinking }),
      onSigned: (evidence: Uint8Array) => void signed.push(evidence),
    };
    for await (const event of mesh.ask(request, signal)) {
      if (event.type === 'piece') text += event.text;
      if (event.type === 'done') ({ provider } = event.summary);
    }
    for (const evidence of signed) await this.#check(evidence, mesh, signal);
    return { text, provider };
  }

  async #check(packed: Uint8Array, { control }: Pick<Mesh, 'control'>, signal: AbortSignal): Promise<void> {
    const { engine, advert, self, verify, calibrations, found } = this.#needs;
    const evidence = readEvidence(packed);
    if (evidence === null) throw new MeshError('receipt_refused', 'What was kept of this answer cannot be read.');
    const offered = advert();
    const { about, outcome } = await findings(engine, evidence, {
      issuer: control.issuer,
      offered,
      self,
      verify,
      signal,
    });
    const report = { ...about, ...outcome, auditor: self, auditorEngine: engineNameOf(offered) };
    found({ ...judge(report, calibrations), provider: about.provider, tokens: outcome.deviations.byteLength });
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    let stop = () => {};
    const passed = new Promise<void>((resolve) => (stop = this.#needs.clock.after(ms, resolve)));
    return untilAborted(passed, signal).finally(stop);
  }
}
