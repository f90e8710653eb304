/** A part of the page that is fetched when it is first needed, and what to tell when it does not come. */
import { untrack } from 'svelte';
import { PartError, type PartFailure } from './part-error.ts';

export class Part<T> {
  readonly #load: () => Promise<T>;
  #value = $state.raw<T | null>(null);
  #failure = $state<PartFailure | null>(null);
  #loading = $state(false);
  #opening: Promise<T> | null = null;

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
    untrack(() => this.open()).catch(() => {
      // `failure` says it.
    });
  }

  /** Resolves when it is here, and fetches it if nobody has. Rejects when it does not come; the next call tries again. */
  open(): Promise<T> {
    return (this.#opening ??= this.#fetch().catch((error: unknown) => {
      this.#opening = null;
      throw error;
    }));
  }

  async #fetch(): Promise<T> {
    this.#loading = true;
    try {
      const value = await this.#load();
      this.#failure = null;
      this.#value = value;
      return value;
    } catch (error) {
      this.#failure = error instanceof PartError ? error.failure : 'broken';
      throw error;
    } finally {
      this.#loading = false;
    }
  }
}
