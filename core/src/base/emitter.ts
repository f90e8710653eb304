/** Tells whoever wants to hear of something, in the order in which they asked to. */
export class Emitter<Events extends { [Name in keyof Events]: unknown[] }> {
  readonly #listeners: { [Name in keyof Events]?: Set<(...args: Events[Name]) => void> } = {};

  /** Returns the way to stop hearing of it. */
  on<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): () => void {
    const listeners = (this.#listeners[name] ??= new Set());
    // The same function may listen twice, and stop once.
    const own = (...args: Events[Name]) => listener(...args);
    listeners.add(own);
    return () => listeners.delete(own);
  }

  /** Whoever stops listening meanwhile is not told any more; what a listener throws is thrown here. */
  protected emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void {
    for (const listener of this.#listeners[name] ?? []) listener(...args);
  }
}
