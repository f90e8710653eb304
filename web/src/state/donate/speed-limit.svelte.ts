/** How fast this device may write for others, as the volunteer chose. */
import * as v from 'valibot';
import { KeptRecord } from '../kept/kept-record.svelte.ts';
import { parserOf } from '../kept/parser.ts';
import type { Store } from '../store.ts';

/**
 * Tokens a second of one answer, of which a person reads about six, or null; and the share of the time in which an engine works on
 * it: the graphics card or the processor rests in between.
 */
const LIMITS = {
  full: { tokensPerSecond: null, share: 1 },
  half: { tokensPerSecond: null, share: 1 / 2 },
  quarter: { tokensPerSecond: null, share: 1 / 4 },
  moderate: { tokensPerSecond: 20, share: 1 },
  gentle: { tokensPerSecond: 8, share: 1 },
} as const;
export type SpeedChoice = keyof typeof LIMITS;
const parse = parserOf(v.picklist(['full', 'half', 'quarter', 'moderate', 'gentle']));

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
    return LIMITS[this.choice].tokensPerSecond;
  }

  get share(): number {
    return LIMITS[this.choice].share;
  }

  async restore(): Promise<void> {
    await this.#record.restore();
  }
}
