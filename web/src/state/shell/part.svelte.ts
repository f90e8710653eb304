/** A part of the page that is fetched when it is first needed, and what to tell when it does not come. */
import { untrack } from 'svelte';
import { PartError, type PartFailure } from './part-error.ts';

export class Part<T> {
  readonly #load: () => Promise<T>;
  #value = $state.raw<T | null>(null);
  #failure = $state<PartFailure | null>(null);
  #loading = $state(false);

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /** null until it is here. */
  get value(): T | null {
    return this.#value;
  }

  /** Why it did not come, until it does. */
  get failure(): PartFailure | null {
    return this.#failure;
  }

  get loading(): boolean {
    return this.#loading;
  }

  /** Fetches it, unless it is here or on its way. */
  need(): void {
    // Whoever needs it in an effect does not need it again because it failed.
    if (untrack(() => this.#value !== null || this.#loading)) return;
    this.#loading = true;
    this.#load().then(
      (value) => {
        this.#loading = false;
        this.#failure = null;
        this.#value = value;
      },
      (error: unknown) => {
        this.#loading = false;
        this.#failure = error instanceof PartError ? error.failure : 'broken';
      },
    );
  }
}
