/** Tells listeners about something, in the order in which they asked. */
export class Emitter<Events extends { [Name in keyof Events]: unknown[] }> {
  readonly #listeners: { [Name in keyof Events]?: Set<(...args: Events[Name]) => void> } = {};

  /** Returns a function that stops listening. */
  on<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): () => void {
    const listeners = (this.#listeners[name] ??= new Set());
    // The same function may listen twice, and stop once.
    const own = (...args: Events[Name]) => listener(...args);
    listeners.add(own);
    return () => listeners.delete(own);
  }

  /** A listener that is stopped meanwhile is no longer told; errors of listeners are thrown here. */
  protected emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void {
    for (const listener of this.#listeners[name] ?? []) listener(...args);
  }
}
