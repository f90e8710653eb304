/** A set with random draws: adding, removing and drawing cost the same for ten as for ten thousand. */
export class Bag<T> {
  readonly #items: T[] = [];
  readonly #places = new Map<T, number>();

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    if (this.#places.has(item)) return;
    this.#places.set(item, this.#items.length);
    this.#items.push(item);
  }

  remove(item: T): void {
    const place = this.#places.get(item);
    if (place === undefined) return;
    this.#places.delete(item);
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#items[place] = last;
    this.#places.set(last, place);
  }

  /**
   * Visits everything once, until `visit` returns true. The walk begins at random and takes strides, so that no
   * neighbours are favoured. Nothing may be added or removed until it ends.
   */
  walk(random: () => number, visit: (item: T) => boolean): void {
    const items = this.#items;
    const size = items.length;
    if (size === 0) return;
    let place = Math.floor(random() * size);
    let stride = 1 + Math.floor(random() * (size - 1));
    while (commonDivisor(stride, size) > 1) stride++;
    // Longer strides reach the same items.
    stride %= size;
    for (let i = 0; i < size; i++) {
      if (visit(items[place]!)) return;
      place += stride;
      if (place >= size) place -= size;
    }
  }
}

function commonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
