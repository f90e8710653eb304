/** Looks whether those answers are still being written that another tab has written: a tab that is gone holds no lock. */
import type { Clock } from '@llmesh/core/base/clock';
import { next } from '../answer-change.ts';
import type { Locks } from '../../locks.ts';
import type { TalkRecords } from './talk-records.ts';
import { isRunning, type Answer } from '../turn.ts';
import type { UnfinishedAnswers } from './unfinished.ts';

const LOOK_EVERY_MS = 500;

/** Held by the tab that has the answer written. */
export const answerLock = (id: string) => `answer/${id}`;

export interface AnswerWatchNeeds {
  clock: Clock;
  locks: Locks;
  records: TalkRecords;
  unfinished: UnfinishedAnswers;
  failed: (error: unknown) => void;
}

export interface Watched {
  talk: string;
  /** The answers that another tab has written, as far as this one knows, and their places. */
  answers: () => readonly { id: string; order: number | null }[];
  /** What one of them is now, as it is kept. */
  found: (answer: Answer, order: number) => void;
}

export class AnswerWatch {
  readonly #watched: Watched;
  readonly #needs: AnswerWatchNeeds;
  #looking = false;

  constructor(watched: Watched, needs: AnswerWatchNeeds) {
    this.#watched = watched;
    this.#needs = needs;
  }

  /** Looks now, and again for as long as there is something to watch. */
  look(): void {
    if (this.#looking || this.#watched.answers().length === 0) return;
    this.#looking = true;
    this.#lookOnce()
      .catch(this.#needs.failed)
      .finally(() =>
        this.#needs.clock.after(LOOK_EVERY_MS, () => {
          this.#looking = false;
          this.look();
        }),
      );
  }

  async #lookOnce(): Promise<void> {
    const { locks, records, unfinished } = this.#needs;
    for (const { id, order } of this.#watched.answers()) {
      if (order === null) continue;
      const release = await locks.tryHold(answerLock(id));
      if (release === null) continue;
      const { present } = await records.update(this.#watched.talk, { id, order }, (there) =>
        isRunning(there) ? next(unfinished.withTail(there), { type: 'closed' }) : null,
      );
      release();
      if (present !== null) this.#watched.found(present, order);
    }
  }
}
