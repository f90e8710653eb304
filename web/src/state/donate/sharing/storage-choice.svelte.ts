/** How much room downloaded models may take on this device, as its owner chose, and what was removed because of it. */
import * as v from 'valibot';
import { KeptRecord } from '../../kept/kept-record.svelte.ts';
import { parserOf } from '../../kept/parser.ts';
import type { ShareChoiceNeeds } from './share-choice.svelte.ts';

/** Bytes; null: as much as the browser gives, and no model ever leaves for another. */
export const STORAGE_LIMITS = { little: 2e9, some: 5e9, much: 10e9, most: 20e9, unlimited: null } as const;
export type StorageLimit = keyof typeof STORAGE_LIMITS;

const ChoiceSchema = v.object({
  limit: v.fallback(v.picklist(['little', 'some', 'much', 'most', 'unlimited']), 'unlimited'),
});

export class StorageChoice {
  readonly #record: KeptRecord<v.InferOutput<typeof ChoiceSchema>>;
  #said = $state<string | null>(null);

  constructor({ store, failed }: ShareChoiceNeeds) {
    this.#record = new KeptRecord<v.InferOutput<typeof ChoiceSchema>>({
      store,
      key: 'record/storage',
      version: 1,
      parse: parserOf(ChoiceSchema),
      initial: { limit: 'unlimited' },
      failed,
    });
  }

  get limit(): StorageLimit {
    return this.#record.value.limit;
  }

  set limit(limit: StorageLimit) {
    void this.#record.change((kept) => ({ ...kept, limit }));
  }

  /** Null: none, or nobody knows yet. */
  get bytes(): number | null {
    return this.#record.known ? STORAGE_LIMITS[this.limit] : null;
  }

  /** What is being removed, or was; null: nothing. */
  get said(): string | null {
    return this.#said;
  }

  say(words: string): void {
    this.#said = words;
  }

  async restore(): Promise<void> {
    await this.#record.restore();
  }
}
