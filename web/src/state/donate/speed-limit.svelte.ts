/** How fast this device may write for others, as the volunteer chose. */
import * as v from 'valibot';
import { KeptRecord } from '../kept/kept-record.svelte.ts';
import { parserOf } from '../kept/parser.ts';
import type { Store } from '../store.ts';

/** Tokens a second of one answer; a person reads about six. null: as fast as possible. */
export const SPEED_LIMITS = { full: null, moderate: 20, gentle: 8 } as const;
export type SpeedChoice = keyof typeof SPEED_LIMITS;
const parse = parserOf(v.picklist(['full', 'moderate', 'gentle']));

export interface SpeedLimitNeeds {
  store: Store;
  /** Hears, for the log, that the choice could not be kept. */
  failed: (error: unknown) => void;
}

export class SpeedLimit {
  readonly #record: KeptRecord<SpeedChoice>;

  constructor({ store, failed }: SpeedLimitNeeds) {
    this.#record = new KeptRecord({
      store,
      key: 'record/speed-limit',
      version: 1,
      parse,
      initial: 'full',
      old: { key: 'speed-limit', read: parse },
      failed,
    });
  }

  get choice(): SpeedChoice {
    return this.#record.value;
  }

  /** Applies from the next answer on, in each tab. */
  set choice(choice: SpeedChoice) {
    void this.#record.change(() => choice);
  }

  get tokensPerSecond(): number | null {
    return SPEED_LIMITS[this.choice];
  }

  async restore(): Promise<void> {
    await this.#record.restore();
  }
}
