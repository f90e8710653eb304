/** A map that forgets: beyond `most` keys, those set longest ago go. Setting a key again renews it. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #most: number;
  /**
   * Goes on where it stood. To look for the oldest from the beginning would pass by everything that was deleted since the
   * map last grew, which takes longer than all the rest.
   */
  #oldest = this.keys();

  constructor(most: number) {
    super();
    this.#most = most;
  }

  override set(key: Key, value: Value): this {
    this.delete(key);
    super.set(key, value);
    if (this.size > this.#most) this.#forgetOldest();
    return this;
  }

  #forgetOldest(): void {
    let next = this.#oldest.next();
    if (next.done === true) {
      // It was empty, and has begun anew.
      this.#oldest = this.keys();
      next = this.#oldest.next();
    }
    if (next.done !== true) this.delete(next.value);
  }
}
