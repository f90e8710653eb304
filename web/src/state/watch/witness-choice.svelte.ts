/** Whether this browser helps to watch the ledger, as its person chose, and how that goes. */
import * as v from 'valibot';
import { KeptRecord } from '../kept/kept-record.svelte.ts';
import { parserOf } from '../kept/parser.ts';
import type { Store } from '../store.ts';

/** What a checkpoint was not signed for, in HTTP's words: see `core/control/log-witness.ts`. */
const ANOTHER_PAST = 422;

export interface WitnessTold {
  signed: (size: number) => void;
  refused: (status: number, note: string) => void;
  failed: (error: unknown) => void;
}

export interface WitnessChoiceNeeds {
  store: Store;
  /** Only a key that lasts can vouch for what it saw before. */
  lasts: boolean;
  /** Resolves with how to end it; rejects when it cannot begin. */
  begin: (told: WitnessTold, signal: AbortSignal) => Promise<() => void>;
  failed: (error: unknown) => void;
}

/**
 * passing: our name does not last, so it cannot witness · waits: nothing was to be signed yet · refuses: the log does not
 * continue what we signed · failed: it could not begin, or its memory failed
 */
export type Witnessing = 'off' | 'passing' | 'waits' | 'signs' | 'refuses' | 'failed';

export class WitnessChoice {
  readonly #needs: WitnessChoiceNeeds;
  readonly #record: KeptRecord<boolean>;
  #doing = $state<Exclude<Witnessing, 'off' | 'passing'>>('waits');
  #size = $state(0);
  #anotherPast = $state(false);
  /** The mesh has a ledger. */
  #ledger = false;
  #run: AbortController | null = null;

  constructor(needs: WitnessChoiceNeeds) {
    this.#needs = needs;
    this.#record = new KeptRecord({
      store: needs.store,
      key: 'record/witness',
      version: 1,
      parse: parserOf(v.boolean()),
      initial: false,
      failed: needs.failed,
      changed: () => this.#turn(),
    });
  }

  get on(): boolean {
    return this.#record.value;
  }

  set on(on: boolean) {
    void this.#record.change(() => on);
    this.#turn();
  }

  get doing(): Witnessing {
    if (!this.on) return 'off';
    return this.#needs.lasts ? this.#doing : 'passing';
  }

  /** How many events of the ledger have our signature. */
  get size(): number {
    return this.#size;
  }

  /** The log showed another past than the one that we signed. */
  get anotherPast(): boolean {
    return this.#anotherPast;
  }

  async restore(): Promise<void> {
    await this.#record.restore();
    this.#turn();
  }

  /** The mesh has said that it has credits: there is something to watch. */
  begin(): void {
    this.#ledger = true;
    this.#turn();
  }

  #turn(): void {
    const wanted = this.on && this.#ledger && this.#needs.lasts;
    if (wanted === (this.#run !== null)) return;
    this.#run?.abort();
    this.#run = wanted ? new AbortController() : null;
    if (this.#run !== null) void this.#witness(this.#run.signal);
  }

  /** Never rejects. */
  async #witness(signal: AbortSignal): Promise<void> {
    this.#doing = 'waits';
    const failed = (error: unknown) => {
      if (signal.aborted) return;
      this.#doing = 'failed';
      this.#needs.failed(error);
    };
    const told: WitnessTold = {
      signed: (size) => {
        this.#doing = 'signs';
        this.#size = size;
      },
      refused: (status) => {
        this.#doing = 'refuses';
        this.#anotherPast ||= status === ANOTHER_PAST;
      },
      failed,
    };
    try {
      const end = await this.#needs.begin(told, signal);
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    } catch (error) {
      failed(error);
      // The next press of the switch, or the next word of the mesh, tries again.
      if (this.#run?.signal === signal) this.#run = null;
    }
  }
}
