/** A set that knows which of its members came last, at the cost of a set. */
export class LatestSet {
  readonly #keys = new Set<string>();
  /** In the order in which they came; some have left, or came again. */
  #order: string[] = [];

  get size(): number {
    return this.#keys.size;
  }

  add(key: string): void {
    this.#keys.delete(key);
    this.#keys.add(key);
    this.#order.push(key);
    if (this.#order.length > 2 * this.#keys.size + 16) this.#order = [...this.#keys];
  }

  delete(key: string): void {
    this.#keys.delete(key);
  }

  get latest(): string | null {
    for (let last = this.#order.at(-1); last !== undefined; last = this.#order.at(-1)) {
      if (this.#keys.has(last)) return last;
      this.#order.pop();
    }
    return null;
  }
}
