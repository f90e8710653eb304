/** A queue between a producer that pushes and a consumer that awaits. One consumer. Ends once, in order. */
export class AsyncQueue<T> {
  #items: T[] = [];
  #ended = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;

  push(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#rouse();
  }

  /** Ends the queue. `error`: thrown to the consumer after the items that came before. */
  end(error: unknown = null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#rouse();
  }

  /** Resolves with all waiting items, at least one; null at the end. Throws the error that `end` was given. */
  async take(): Promise<T[] | null> {
    while (this.#items.length === 0) {
      if (this.#ended) {
        if (this.#error !== null) throw this.#error;
        return null;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const items = this.#items;
    this.#items = [];
    return items;
  }

  #rouse(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
