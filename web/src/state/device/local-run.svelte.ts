/** Answers by this device itself: the same events as from the mesh, and nothing leaves the page. */
import type { AnswerEvent, AskRequest } from '@llmesh/core/ask/answer';
import type { Pace } from './download-pace.ts';
import type { answerHere, LocalAnswerNeeds } from './local-answer.ts';

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
    const comes = (getting: Pace | null, waking: boolean) => {
      this.#getting = getting;
      this.#waking = waking;
    };
    yield* answerHere(this.#needs, comes, request, signal);
  }
}
