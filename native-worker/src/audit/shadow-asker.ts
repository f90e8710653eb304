/**
 * Asks the mesh, now and then and while nobody asks this worker, what its model made up, as a stranger would; and checks the
 * answer with the same model. Who answers cannot tell such a question from any other: it comes the same way, from an identity
 * that nobody knows, in the shape of a conversation that was really had. Like all others it may be drawn for an audit.
 *
 * Some of them it answers itself, by the way that all questions go, so that auditors are tested who cannot tell either. And it
 * questions those who want to be tested again.
 */
import { untilAborted } from '@llmesh/core/base/abort';
import type { PeerId } from '@llmesh/core/base/ids';
import { jittered, type ConversationShape, type RequestShapes } from './request-shapes.ts';
import {
  isRefusedForNow,
  pause,
  ShadowConversation,
  type ConversationNeeds,
  type Purpose,
} from './shadow-conversation.ts';

/** The time between two conversations, on average. */
const MEAN_PAUSE_MS = 2 * 3_600_000;
/** Questions of others that it answers for each one of its own: so test questions cost no more than a thousandth or two of what is written. */
const SERVED_FOR_EACH = 1_000;
/** While others ask this worker, it looks again after this. */
const BUSY_MS = 60_000;
/** The share of its conversations that it answers itself; one in two of these is doctored. */
const KNOWN_SHARE = 1 / 2;
const DOCTORED_SHARE = 1 / 2;
/** Those who want to be tested again, and strangers who read what they answered; the control plane asks others, too. */
const MAX_WANTED = 8;
/** Where it has served too few conversations: who is tested again need not be fooled, as no strangers are sent there. */
const PLAIN_SHAPE: ConversationShape = {
  before: [],
  asked: [{ chars: 120, waitMs: 0 }],
  sampling: { temperature: 0.8, topP: 0.95 },
  maxTokens: 96,
};

export interface ShadowNeeds extends ConversationNeeds {
  shapes: Pick<RequestShapes, 'draw' | 'served'>;
  /** Whether nobody asks this worker. */
  isIdle: () => boolean;
  failed: (error: unknown) => void;
  random: () => number;
}

export class ShadowAsker {
  readonly #needs: ShadowNeeds;
  readonly #wanted: PeerId[] = [];
  /** Conversations whose strangers still read. */
  readonly #reading = new Set<Promise<void>>();
  /** Test questions so far. */
  #asked = 0;
  /** Ends the pause: somebody wants to be tested. */
  #wake: () => void = () => {};

  constructor(needs: ShadowNeeds) {
    this.#needs = needs;
  }

  /** This provider wants to be tested again: it is asked soon. More than a few at once are left to others. */
  question(provider: PeerId): void {
    if (this.#wanted.length + this.#reading.size >= MAX_WANTED || provider === this.#needs.self) return;
    this.#wanted.push(provider);
    this.#wake();
  }

  /** Until `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { isIdle, failed } = this.#needs;
    while (!signal.aborted) {
      try {
        await this.#rest(signal);
        while (!isIdle()) await pause(BUSY_MS, this.#needs, signal);
        const purpose = this.#purpose();
        const shape = this.#shape(purpose);
        if (shape !== null) await this.converse(shape, purpose, signal);
      } catch (thrown) {
        if (!signal.aborted) failed(thrown);
      }
    }
    await Promise.all(this.#reading);
  }

  /** Has one conversation. Resolves when all is said. Rejects as the engine and the mesh do. */
  async converse(shape: ConversationShape, purpose: Purpose, signal: AbortSignal): Promise<void> {
    const conversation = new ShadowConversation(shape, purpose, this.#needs);
    try {
      if (!(await conversation.have(signal))) return;
      // Whoever wants to be tested again, asked for it.
      if (purpose.why !== 'named') this.#asked += shape.asked.length;
    } catch (thrown) {
      // Enough auditors are tested from here: it says nothing to anybody.
      if (purpose.why !== 'known' || !isRefusedForNow(thrown)) throw thrown;
      return;
    }
    const reading = conversation
      .read(signal)
      .catch((thrown: unknown) => {
        if (!signal.aborted) this.#needs.failed(thrown);
      })
      .finally(() => this.#reading.delete(reading));
    this.#reading.add(reading);
  }

  /** Nobody can tell from the time when the next one comes. */
  async #rest(signal: AbortSignal): Promise<void> {
    if (this.#wanted.length > 0) return;
    const { clock, random } = this.#needs;
    let stop = () => {};
    const over = new Promise<void>((resolve) => {
      this.#wake = resolve;
      stop = clock.after(-Math.log(1 - random()) * MEAN_PAUSE_MS, resolve);
    });
    await untilAborted(over, signal).finally(stop);
  }

  #purpose(): Purpose {
    const { random } = this.#needs;
    const provider = this.#wanted.shift();
    if (provider !== undefined) return { why: 'named', provider };
    return random() < KNOWN_SHARE ? { why: 'known', isDoctored: random() < DOCTORED_SHARE } : { why: 'anyone' };
  }

  #shape({ why }: Purpose): ConversationShape | null {
    const { shapes, random } = this.#needs;
    if (why === 'named') return shapes.draw(random) ?? jittered(PLAIN_SHAPE, random);
    if (shapes.served < this.#asked * SERVED_FOR_EACH) return null;
    return shapes.draw(random);
  }
}
