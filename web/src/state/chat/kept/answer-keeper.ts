/** Keeps an answer while this tab has it written: a record once a second, and more often for the tabs that watch. */
import type { Clock } from '@llmesh/core/base/clock';
import type { LiveAnswers } from './live-answers.ts';
import type { TalkRecords } from './talk-records.ts';
import { isRunning, type Answer } from '../turn.ts';
import type { UnfinishedAnswers } from './unfinished.ts';

const KEEP_EVERY_MS = 1_000;
const TELL_EVERY_MS = 250;

export interface AnswerKeeperNeeds {
  clock: Clock;
  records: TalkRecords;
  live: LiveAnswers;
  unfinished: UnfinishedAnswers;
}

export interface KeptPlace {
  talk: string;
  /** null: the browser has not kept it. */
  order: () => number | null;
  /** The answer as it is now, as plain data. */
  now: () => Answer;
  /** It was deleted, or another tab has decided what becomes of it. */
  lost: () => void;
}

export class AnswerKeeper {
  readonly #needs: AnswerKeeperNeeds;
  readonly #place: KeptPlace;
  #stopKeeping: (() => void) | null = null;
  #stopTelling: (() => void) | null = null;
  #lost = false;

  constructor(place: KeptPlace, needs: AnswerKeeperNeeds) {
    this.#place = place;
    this.#needs = needs;
    needs.unfinished.begin(place.talk, place.now().id);
  }

  /** Something came. */
  changed(): void {
    const { clock, live } = this.#needs;
    this.#stopKeeping ??= clock.after(KEEP_EVERY_MS, () => {
      this.#stopKeeping = null;
      void this.#keep();
    });
    this.#stopTelling ??= clock.after(TELL_EVERY_MS, () => {
      this.#stopTelling = null;
      live.tell(this.#place.talk, this.#place.now());
    });
  }

  /** The page is being closed or put to sleep: what is begun now is mostly done, and the tail is noted in any case. */
  flush(): void {
    this.#needs.unfinished.writeTail(this.#place.now());
    void this.#keep();
  }

  /** It is deleted: nothing more is kept. */
  abandon(): void {
    this.#lost = true;
  }

  /** Keeps how it ended. */
  async end(answer: Answer): Promise<void> {
    this.#stopKeeping?.();
    this.#stopTelling?.();
    await this.#keep(answer);
    this.#needs.unfinished.end(answer.id);
  }

  async #keep(now = this.#place.now()): Promise<void> {
    const order = this.#place.order();
    if (order === null || this.#lost) return;
    const { kept, wrote } = await this.#needs.records.update(this.#place.talk, { id: now.id, order }, (there) =>
      isRunning(there) ? now : null,
    );
    if (!kept || wrote || this.#lost) return;
    this.#lost = true;
    this.#place.lost();
  }
}
