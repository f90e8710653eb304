/** Answers by this device itself: the same events as from the mesh, and nothing leaves the page. */
import type { AnswerEvent, AskRequest } from '@llmesh/core/ask/answer';
import { DownloadPace, type Pace } from './download-pace.ts';
import type { answerHere, LocalAnswerNeeds } from './local-answer.ts';
import type { ReadyProgress } from './model-trial.ts';

export interface LocalRunNeeds extends LocalAnswerNeeds {
  /** Its code may have to be fetched. */
  answering: () => Promise<{ answerHere: typeof answerHere }>;
}

export class LocalRun {
  readonly #needs: LocalRunNeeds;
  #getting = $state.raw<Pace | null>(null);
  #waking = $state(false);

  constructor(needs: LocalRunNeeds) {
    this.#needs = needs;
  }

  /** The pace of the running download. */
  get getting(): Pace | null {
    return this.#getting;
  }

  /** The model is being loaded into memory. */
  get waking(): boolean {
    return this.#waking;
  }

  get keepsModels(): boolean {
    return this.#needs.device.keepsModels;
  }

  /** An `Ask`. Throws a `MeshError`; text yielded before that stays valid. */
  async *ask(request: AskRequest, signal: AbortSignal): AsyncGenerator<AnswerEvent, void, undefined> {
    const { answerHere } = await this.#needs.answering();
    const pace = new DownloadPace();
    const told = {
      progress: (progress: ReadyProgress) => this.#take(pace, progress),
      ready: () => {
        this.#getting = null;
        this.#waking = false;
      },
    };
    yield* answerHere(this.#needs, told, request, signal);
  }

  #take(pace: DownloadPace, progress: ReadyProgress): void {
    this.#waking = progress.phase !== 'download';
    this.#getting = progress.phase === 'download' ? pace.take(progress, this.#needs.clock.now()) : null;
  }
}
