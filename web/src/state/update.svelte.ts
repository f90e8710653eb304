/** A newer version of the page that waits to be loaded. */
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
