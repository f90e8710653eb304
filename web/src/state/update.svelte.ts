/** A newer page waits to be used. */
export class Update {
  #apply = $state.raw<(() => void) | null>(null);

  get ready(): boolean {
    return this.#apply !== null;
  }

  offer(apply: () => void): void {
    this.#apply = apply;
  }

  reload(): void {
    this.#apply?.();
  }
}
