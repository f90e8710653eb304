/**
 * Lets newcomers in between two steps. llama.cpp's binding changes what a sequence holds only when nothing more is waiting
 * to be computed; with several answers under way something always is, and a newcomer would wait for the end of them all.
 */
export class Entrance {
  #entering = 0;
  #opened: Promise<void> | null = null;
  #open = () => {};

  /** Runs `change` as soon as the steps that were asked for are done. */
  async enter(change: () => Promise<void>): Promise<void> {
    this.#entering += 1;
    this.#opened ??= new Promise((resolve) => {
      this.#open = resolve;
    });
    try {
      await change();
    } finally {
      this.#entering -= 1;
      if (this.#entering === 0) {
        this.#opened = null;
        this.#open();
      }
    }
  }

  /** To be waited for before a step is asked for; null when nobody is entering. */
  get closed(): Promise<void> | null {
    return this.#opened;
  }
}
