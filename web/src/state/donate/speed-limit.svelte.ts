/** How fast this device may write for others, as the volunteer chose. */
import * as v from 'valibot';
import type { Store } from '../store.ts';

const KEY = 'speed-limit';

/** Tokens a second of one answer; a person reads about six. null: as fast as possible. */
export const SPEED_LIMITS = { full: null, moderate: 20, gentle: 8 } as const;
export type SpeedChoice = keyof typeof SPEED_LIMITS;
const SpeedChoiceSchema = v.picklist(['full', 'moderate', 'gentle']);

export interface SpeedLimitNeeds {
  store: Store;
  /** Hears, for the log, that the choice could not be kept. */
  failed: (error: unknown) => void;
}

export class SpeedLimit {
  readonly #needs: SpeedLimitNeeds;
  #choice = $state<SpeedChoice>('full');

  constructor(needs: SpeedLimitNeeds) {
    this.#needs = needs;
  }

  get choice(): SpeedChoice {
    return this.#choice;
  }

  /** Applies from the next answer on. */
  set choice(choice: SpeedChoice) {
    this.#choice = choice;
    this.#needs.store.set([[KEY, choice]]).catch(this.#needs.failed);
  }

  get tokensPerSecond(): number | null {
    return SPEED_LIMITS[this.#choice];
  }

  async restore(): Promise<void> {
    const kept = v.safeParse(SpeedChoiceSchema, await this.#needs.store.get(KEY));
    if (kept.success) this.#choice = kept.output;
  }
}
