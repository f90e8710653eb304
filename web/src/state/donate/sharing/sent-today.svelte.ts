/** How many bytes of model files this device has given to others today, all tabs together. */
import * as v from 'valibot';
import { KeptRecord } from '../../kept/kept-record.svelte.ts';
import { parserOf } from '../../kept/parser.ts';
import type { Store } from '../../store.ts';

const DaySchema = v.object({ day: v.string(), bytes: v.pipe(v.number(), v.integer(), v.minValue(0)) });
type Day = v.InferOutput<typeof DaySchema>;

export interface SentTodayNeeds {
  store: Store;
  /** Milliseconds since 1970. */
  now: () => number;
  failed: (error: unknown) => void;
}

export class SentToday {
  readonly #needs: SentTodayNeeds;
  readonly #record: KeptRecord<Day>;
  #own: Day = { day: '', bytes: 0 };

  constructor(needs: SentTodayNeeds) {
    this.#needs = needs;
    this.#record = new KeptRecord<Day>({
      store: needs.store,
      key: 'record/sent',
      version: 1,
      parse: parserOf(DaySchema),
      initial: { day: '', bytes: 0 },
      failed: needs.failed,
    });
  }

  get bytes(): number {
    const { day, bytes } = this.#record.value;
    return day === this.#today() ? bytes : 0;
  }

  /** What other tabs have sent today, and this one before it was loaded again. */
  get ofOthers(): number {
    return Math.max(0, this.bytes - (this.#own.day === this.#today() ? this.#own.bytes : 0));
  }

  add(bytes: number): void {
    const day = this.#today();
    const plus = (before: Day): Day => ({ day, bytes: (before.day === day ? before.bytes : 0) + bytes });
    this.#own = plus(this.#own);
    void this.#record.change(plus);
  }

  async restore(): Promise<void> {
    await this.#record.restore();
  }

  /** In UTC, as the swarm counts days. */
  #today(): string {
    return new Date(this.#needs.now()).toISOString().slice(0, 10);
  }
}
