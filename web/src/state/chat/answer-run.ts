/** One answer at work: from asking for it to its end, whatever that is. */
import type { Clock } from '@llmesh/core/base/clock';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import { newsOf } from './answer-news.ts';
import { AnswerProgress, failureOf } from './answer-progress.ts';
import type { Ask } from '../ask.ts';
import { CANNOT_ASK, WAITS, type ObstacleNeeds } from './obstacles.ts';
import { isRunning, type Answer, type KeptIds, type WaitingFor } from './turn.ts';
import type { AskRequest } from '@llmesh/core/ask/answer';

export interface AnswerRunNeeds extends ObstacleNeeds {
  /** Asks volunteers. */
  ask: Ask;
  /** Asks this device, and nobody else. */
  askHere: Ask;
  clock: Clock;
  announce: (text: string) => void;
}

export class AnswerRun {
  readonly answer: Answer;
  readonly #before: Answer;
  readonly #needs: AnswerRunNeeds;
  readonly #progress: AnswerProgress;
  readonly #abort = new AbortController();

  /** `before`: the answer as it was when it was asked for again. */
  constructor(answer: Answer, before: Answer, needs: AnswerRunNeeds) {
    this.answer = answer;
    this.#before = before;
    this.#needs = needs;
    const here = answer.scope === 'device' && answer.model !== null ? needs.local.find(answer.model.id) : null;
    this.#progress = new AnswerProgress(answer, needs.clock, here?.format === 'gguf' ? here.sha256 : null);
  }

  /** The token ids of what there is by now. */
  get ids(): KeptIds | null {
    return this.#progress.ids;
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Never rejects. `changed`: something came. */
  async ask(request: AskRequest, changed: () => void): Promise<void> {
    const { ask, askHere, announce } = this.#needs;
    const { answer } = this;
    try {
      const events = (answer.scope === 'device' ? askHere : ask)(request, this.#abort.signal);
      for await (const event of events) {
        const { state, ahead } = answer;
        this.#progress.take(event);
        const news = newsOf(answer, event, { state, ahead });
        if (news !== null) announce(news);
        changed();
      }
      if (isRunning(answer)) throw new MeshError('provider_lost', 'The answer broke off.');
    } catch (thrown) {
      answer.ids = this.ids;
      this.#fail(asMeshError(thrown, 'engine_failed', 'Something went wrong on this page. Try again?'));
    }
  }

  #fail(error: MeshError): void {
    const { connection, lending, announce } = this.#needs;
    const { answer } = this;
    const before = this.#before;
    const why = answer.scope === 'device' ? undefined : WAITS[error.code];
    /** Nothing new came, so what was there before is worth more. */
    const vain = before.text !== '' && !this.#progress.begun;
    if (error.code === 'cancelled') {
      if (vain) Object.assign(answer, before);
      if (!vain || before.state === 'waiting') Object.assign(answer, { state: 'stopped', why: null });
      announce('Stopped.');
    } else if (why !== undefined && answer.text === '') {
      // Offline, the mesh is not to blame.
      const nobody = why === 'model' && answer.scope === 'trusted' ? 'trusted' : why;
      keepWaiting(answer, before, connection.status === 'offline' ? 'network' : nobody, this.#needs);
      // What we believed about the trusted volunteers was wrong.
      if (nobody === 'trusted') lending.look();
    } else {
      const shown = { code: error.code, message: failureOf(answer, error) };
      if (vain) Object.assign(answer, before);
      Object.assign(answer, { state: 'failed', why: null, error: shown });
      announce(shown.message);
    }
  }
}

/** Keeps the question, with the text it continues, until it can be asked; if asked again, restores the old answer. */
export function keepWaiting(
  answer: Answer,
  before: Answer,
  why: WaitingFor,
  { local, announce }: Pick<AnswerRunNeeds, 'local' | 'announce'>,
): void {
  if (before.text === answer.text) {
    Object.assign(answer, { state: 'waiting', why });
    // Those who need to know are woken when it is known; this never rejects, as nothing aborts it.
    if (why === 'device') void local.findOut(new AbortController().signal);
    if (before.state !== 'waiting') announce('Your message is kept.');
  } else {
    const { code, says } = CANNOT_ASK[why];
    const error = { code, message: `${says} What you have is kept.` };
    Object.assign(answer, before, { state: 'failed', error });
    announce(error.message);
  }
}
