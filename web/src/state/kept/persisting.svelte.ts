/** Asks the browser, once, not to clear what is kept here when the disk gets full: as soon as there is something to lose. */
import * as v from 'valibot';
import type { Store } from '../store.ts';
import { KeptRecord } from './kept-record.svelte.ts';
import { parserOf } from './parser.ts';

export interface PersistingNeeds {
  store: Store;
  /** Whether there is something to lose. */
  precious: () => boolean;
  /** Resolves with whether the browser promised. It may ask the person, which is why it is not asked again. */
  ask: () => Promise<boolean>;
  failed: (error: unknown) => void;
}

export class Persisting {
  readonly #needs: PersistingNeeds;
  readonly #asked: KeptRecord<boolean>;

  constructor(needs: PersistingNeeds) {
    this.#needs = needs;
    const { store, failed } = needs;
    this.#asked = new KeptRecord({
      store,
      key: 'record/asked',
      version: 1,
      parse: parserOf(v.boolean()),
      initial: false,
      failed,
    });
  }

  /** Watches from now on. Returns how to stop. Never rejects. */
  async restore(): Promise<() => void> {
    await this.#asked.restore();
    if (!this.#asked.known || !this.#needs.store.lasting) return () => {};
    return $effect.root(() => {
      const due = $derived(this.#needs.precious() && !this.#asked.value);
      $effect(() => {
        if (due) this.#ask();
      });
    });
  }

  #ask(): void {
    const { ask, failed } = this.#needs;
    void this.#asked.change(() => true);
    ask().catch(failed);
  }
}
