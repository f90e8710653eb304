/** A newer version of the page: this tab goes on to it when its person says so, and not in the middle of an answer. */
export interface UpdateNeeds {
  /** Whether an answer is being written in this tab. */
  writing: () => boolean;
  donating: () => boolean;
  /** Loads this tab anew, with the newest version. */
  reload: () => void;
}

/** now: nothing is lost · answer: after the answer that is being written · donating: others are answered here */
export type ReloadKind = 'now' | 'answer' | 'donating';

export class Update {
  readonly #needs: UpdateNeeds;
  #state = $state<'none' | 'offered' | 'later' | 'waits'>('none');

  /** Follows the answers until the returned function is called. */
  static follow(needs: UpdateNeeds): { update: Update; stop: () => void } {
    const update = new Update(needs);
    const stop = $effect.root(() => {
      $effect(() => {
        if (!update.waits || needs.writing()) return;
        update.#state = 'none';
        needs.reload();
      });
    });
    return { update, stop };
  }

  private constructor(needs: UpdateNeeds) {
    this.#needs = needs;
  }

  /** To be told to the person. */
  get ready(): boolean {
    return this.#state === 'offered' || this.#state === 'waits';
  }

  /** The person has said to reload after the answer. */
  get waits(): boolean {
    return this.#state === 'waits';
  }

  get kind(): ReloadKind {
    if (this.#needs.writing()) return 'answer';
    return this.#needs.donating() ? 'donating' : 'now';
  }

  /** `fresh`: one that the person has not said "later" to. */
  offer(fresh: boolean): void {
    if (this.#state === 'none' || (fresh && this.#state === 'later')) this.#state = 'offered';
  }

  /** Now, or when the answer that is being written has ended. */
  reload(): void {
    this.#state = 'waits';
  }

  later(): void {
    this.#state = 'later';
  }
}
