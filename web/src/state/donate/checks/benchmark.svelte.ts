/** A short measured run of one model on this device: how fast it writes, and how long until it begins. */
import { asMeshError } from '@llmesh/core/base/errors';
import type { Clock } from '@llmesh/core/base/clock';
import { SpeedMeter } from '@llmesh/core/engine/speed';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { EngineHolder } from '../../device/engine-holder.svelte.ts';
import type { ThisDevice } from '../../device/this-device.svelte.ts';

/** Long enough that the first tokens do not count for much, short enough to wait for. */
const TOKENS = 128;
/** A model that stops early is asked again, so often at most. */
const ROUNDS = 4;
/** The same in all languages of the page, as figures are compared. */
const QUESTION =
  /* @wc-ignore */ 'Describe a small town by the sea, its harbour, its people and its weather, in as many words as you can.';

export interface Measured {
  model: CatalogueModel;
  tokens: number;
  tokensPerSecond: number;
  firstTokenMs: number;
}

/** loading: it comes into memory and is tried · writing: it is measured */
export type BenchmarkPhase = 'loading' | 'writing';

export interface BenchmarkNeeds {
  holder: Pick<EngineHolder, 'enter'>;
  device: Pick<ThisDevice, 'learnSpeed'>;
  clock: Clock;
  failed: (error: unknown) => void;
}

export class Benchmark {
  readonly #needs: BenchmarkNeeds;
  #abort: AbortController | null = null;
  #model = $state.raw<CatalogueModel | null>(null);
  #phase = $state<BenchmarkPhase>('loading');
  #tokens = $state(0);
  #last = $state.raw<Measured | null>(null);
  #trouble = $state<string | null>(null);

  constructor(needs: BenchmarkNeeds) {
    this.#needs = needs;
  }

  /** The model that is being measured; null: none is. */
  get model(): CatalogueModel | null {
    return this.#model;
  }

  get phase(): BenchmarkPhase {
    return this.#phase;
  }

  /** How many tokens were written so far. */
  get tokens(): number {
    return this.#tokens;
  }

  /** What came of the last run of this visit. */
  get last(): Measured | null {
    return this.#last;
  }

  /** Why the last run came to nothing. */
  get trouble(): string | null {
    return this.#trouble;
  }

  stop(): void {
    this.#abort?.abort();
  }

  /** Measures, and keeps the speed with the device. Never rejects: `trouble` says what went wrong. */
  async run(model: CatalogueModel): Promise<void> {
    if (this.#abort !== null) return;
    const abort = new AbortController();
    this.#abort = abort;
    this.#model = model;
    this.#phase = 'loading';
    this.#tokens = 0;
    this.#last = null;
    this.#trouble = null;
    try {
      const measured = await this.#measure(model, abort.signal);
      if (measured === null) this.#trouble = `${model.name} wrote too little to be measured.`;
      else this.#needs.device.learnSpeed(model.id, measured.tokensPerSecond);
      this.#last = measured;
    } catch (thrown) {
      if (!abort.signal.aborted) {
        this.#trouble = asMeshError(thrown, 'engine_failed', `${model.name} could not be measured. Try again.`).message;
        this.#needs.failed(thrown);
      }
    } finally {
      this.#abort = null;
      this.#model = null;
    }
  }

  /** null: it wrote too little. */
  async #measure(model: CatalogueModel, signal: AbortSignal): Promise<Measured | null> {
    const { holder, clock } = this.#needs;
    const lease = await holder.enter(model, () => {}, signal);
    try {
      this.#phase = 'writing';
      let firstTokenMs: number | null = null;
      let best: Measured | null = null;
      for (let round = 0; round < ROUNDS && this.#tokens < TOKENS; round++) {
        const meter = new SpeedMeter();
        const askedMs = clock.now();
        const turns = [{ role: 'user' as const, content: QUESTION }];
        const request = { turns, sampling: { temperature: 0.7 }, maxTokens: TOKENS - this.#tokens };
        for await (const { tokens } of lease.engine.generate(request, signal)) {
          firstTokenMs ??= clock.now() - askedMs;
          meter.add(tokens, clock.now());
          this.#tokens += tokens;
        }
        const tokensPerSecond = meter.overall();
        if (tokensPerSecond !== null && (best === null || meter.tokens > best.tokens)) {
          best = { model, tokens: meter.tokens, tokensPerSecond, firstTokenMs: firstTokenMs ?? 0 };
        }
      }
      return best;
    } finally {
      await lease.leave(0);
    }
  }
}
