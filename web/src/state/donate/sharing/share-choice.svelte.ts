/** Whether this device gives the files of the model that it lends to others, and how much, as the volunteer chose. */
import * as v from 'valibot';
import { KeptRecord } from '../../kept/kept-record.svelte.ts';
import { parserOf } from '../../kept/parser.ts';
import type { Store } from '../../store.ts';

/** Bytes a day, and bytes a second; null: no limit. */
export const DAY_LIMITS = { little: 500e6, some: 2e9, much: 10e9, unlimited: null } as const;
export const RATE_LIMITS = { gentle: 250e3, moderate: 2e6, full: null } as const;
export type DayLimit = keyof typeof DAY_LIMITS;
export type RateLimit = keyof typeof RATE_LIMITS;

const ChoiceSchema = v.object({
  on: v.fallback(v.boolean(), true),
  aDay: v.fallback(v.picklist(['little', 'some', 'much', 'unlimited']), 'some'),
  aSecond: v.fallback(v.picklist(['gentle', 'moderate', 'full']), 'moderate'),
});
type Choice = v.InferOutput<typeof ChoiceSchema>;

export interface ShareChoiceNeeds {
  store: Store;
  /** Hears, for the log, that the choice could not be kept. */
  failed: (error: unknown) => void;
}

export class ShareChoice {
  readonly #record: KeptRecord<Choice>;

  constructor({ store, failed }: ShareChoiceNeeds) {
    this.#record = new KeptRecord<Choice>({
      store,
      key: 'record/sharing',
      version: 1,
      parse: parserOf(ChoiceSchema),
      initial: { on: true, aDay: 'some', aSecond: 'moderate' },
      failed,
    });
  }

  /** Until the store was read, nobody knows whether they may: then no. */
  get allowed(): boolean {
    return this.#record.known && this.on;
  }

  get on(): boolean {
    return this.#record.value.on;
  }

  set on(on: boolean) {
    this.#change({ on });
  }

  get aDay(): DayLimit {
    return this.#record.value.aDay;
  }

  set aDay(aDay: DayLimit) {
    this.#change({ aDay });
  }

  get aSecond(): RateLimit {
    return this.#record.value.aSecond;
  }

  set aSecond(aSecond: RateLimit) {
    this.#change({ aSecond });
  }

  async restore(): Promise<void> {
    await this.#record.restore();
  }

  #change(choice: Partial<Choice>): void {
    void this.#record.change((kept) => ({ ...kept, ...choice }));
  }
}
