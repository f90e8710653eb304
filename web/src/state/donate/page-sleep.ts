/** Whether the browser has put this page to sleep, and who waits for that to change. */

export class PageSleep {
  #asleep = false;
  #turns: (() => void)[] = [];
  readonly #chores = new Set<() => Promise<void>>();

  get asleep(): boolean {
    return this.#asleep;
  }

  /** Resolves when all chores are done that must be done before the page sleeps. */
  async begin(): Promise<void> {
    this.#turn(true);
    await Promise.all([...this.#chores].map((chore) => chore()));
  }

  end(): void {
    this.#turn(false);
  }

  /** Registers a `chore`, which never rejects, to be done before the page sleeps. The returned function removes it. */
  before(chore: () => Promise<void>): () => void {
    this.#chores.add(chore);
    return () => this.#chores.delete(chore);
  }

  /** Resolves as soon as the page is asleep, or awake, as asked. */
  async turned(asleep: boolean): Promise<void> {
    while (this.#asleep !== asleep) await new Promise<void>((resolve) => this.#turns.push(resolve));
  }

  #turn(asleep: boolean): void {
    if (this.#asleep === asleep) return;
    this.#asleep = asleep;
    const turns = this.#turns;
    this.#turns = [];
    for (const turn of turns) turn();
  }
}
