/** Why the offer is withdrawn for a while, and who waits for that to change. */

/** asleep: the browser has put this page to sleep · rest: its owner wants it to rest */
export type Hold = 'asleep' | 'rest';

export class LendingHolds {
  readonly #holds = new Set<Hold>();
  #turns: (() => void)[] = [];
  readonly #chores = new Set<() => Promise<void>>();

  get held(): boolean {
    return this.#holds.size > 0;
  }

  /** Resolves when all chores are done that must be done before the page sleeps. */
  async begin(hold: Hold): Promise<void> {
    this.#turn(() => this.#holds.add(hold));
    await Promise.all([...this.#chores].map((chore) => chore()));
  }

  end(hold: Hold): void {
    this.#turn(() => this.#holds.delete(hold));
  }

  /** Registers a `chore`, which never rejects, to be done when it is held. The returned function removes it. */
  before(chore: () => Promise<void>): () => void {
    this.#chores.add(chore);
    return () => this.#chores.delete(chore);
  }

  /** Resolves as soon as it is held, or not, as asked. */
  async turned(held: boolean): Promise<void> {
    while (this.held !== held) await new Promise<void>((resolve) => this.#turns.push(resolve));
  }

  #turn(change: () => void): void {
    const before = this.held;
    change();
    if (this.held === before) return;
    const turns = this.#turns;
    this.#turns = [];
    for (const turn of turns) turn();
  }
}
