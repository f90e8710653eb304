/** Lending this computer: from the switch to the last answer. */
import { onAbort, untilAborted } from '@llmesh/core/abort';
import type { CatalogueModel } from '@llmesh/core/catalogue';
import type { Clock } from '@llmesh/core/clock';
import type { LoadedModel, LoadProgress, Probe } from '@llmesh/core/engine';
import { asMeshError, cancelled, MeshError } from '@llmesh/core/errors';
import type { ModelId } from '@llmesh/core/ids';
import type { ProvideOptions, Providing } from '@llmesh/core/mesh';
import type { ModelAdvert } from '@llmesh/core/control-protocol';
import type { WorkerStatus } from '@llmesh/core/worker';
import { DonateTotals } from './donate-totals.svelte.ts';
import { DownloadPace, type Pace } from './download-pace.ts';
import { EngineRoom, type Seat } from './engine-room.svelte.ts';
import { PeopleServed } from './people-served.svelte.ts';
import { selfTest, type KnownAnswer } from './self-test.ts';
import { Tempo } from './tempo.svelte.ts';
import { ThisDevice, type ThisDeviceNeeds } from './this-device.svelte.ts';

/** getting: downloading · waking: into memory, then the self-test · error: off, and `error` says why */
export type DonatePhase = 'off' | 'probing' | 'getting' | 'waking' | 'waiting' | 'serving' | 'stopping' | 'error';

export interface DonateNeeds extends ThisDeviceNeeds {
  provide: (options: ProvideOptions) => Promise<Providing>;
  /** Resolves when `models` are all there are. */
  modelsKnown: () => Promise<void>;
  knownAnswer: (model: ModelId) => Promise<KnownAnswer | null>;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
}

interface Lent {
  model: CatalogueModel;
  /** null until it is in memory. */
  loaded: LoadedModel | null;
  /** Milliseconds since 1970; null until it is offered. */
  readyAt: number | null;
}

export class DonateState {
  readonly device: ThisDevice;
  /** Shared with the questions that this device answers for its own person. */
  readonly room: EngineRoom;
  readonly totals: DonateTotals;
  readonly tempo: Tempo;
  readonly people = new PeopleServed();
  readonly #needs: DonateNeeds;
  #phase = $state<DonatePhase>('off');
  #error = $state.raw<MeshError | null>(null);
  #pace = $state.raw<Pace | null>(null);
  #lent = $state.raw<Lent | null>(null);
  #status = $state.raw<WorkerStatus | null>(null);
  #run: { abort: AbortController; ended: Promise<void> } | null = null;

  constructor(needs: DonateNeeds) {
    this.#needs = needs;
    this.device = new ThisDevice(needs);
    this.room = new EngineRoom({ newEngine: () => this.device.newEngine(), clock: needs.clock, failed: needs.failed });
    this.totals = new DonateTotals(needs);
    this.tempo = new Tempo(needs.clock);
  }

  get phase(): DonatePhase {
    return this.#phase;
  }

  /** The switch is on, whether or not the model is ready. */
  get on(): boolean {
    return this.#phase !== 'off' && this.#phase !== 'error' && this.#phase !== 'stopping';
  }

  /** Others can be answered now. */
  get donating(): boolean {
    return this.#phase === 'waiting' || this.#phase === 'serving';
  }

  /** Why lending ended or never began; null in every phase but `error`. */
  get error(): MeshError | null {
    return this.#error;
  }

  get probe(): Probe | null {
    return this.device.probe;
  }

  /** The model that is lent or made ready. */
  get lent(): Lent | null {
    return this.#lent;
  }

  /** Of the running download. */
  get pace(): Pace | null {
    return this.#pace;
  }

  get status(): WorkerStatus | null {
    return this.#status;
  }

  async restore(): Promise<void> {
    await Promise.all([this.totals.restore(), this.device.restore()]);
  }

  /** Resolves when lending has ended, whoever ended it. Never rejects: `error` says what went wrong. */
  async start(): Promise<void> {
    if (this.#run !== null) return;
    const abort = new AbortController();
    this.#error = null;
    this.#phase = 'probing';
    const ended = this.#lend(abort.signal);
    this.#run = { abort, ended };
    await ended;
  }

  /** Tells those who are served, and resolves when nothing runs any more. Idempotent. */
  async stop(): Promise<void> {
    const run = this.#run;
    if (run === null) return;
    this.#phase = 'stopping';
    run.abort.abort();
    await run.ended;
  }

  /** The whole of one lending. Never rejects. */
  async #lend(signal: AbortSignal): Promise<void> {
    let seat: Seat | null = null;
    let providing: Providing | null = null;
    let failure: MeshError | null = null;
    try {
      const model = await this.#choose(signal);
      const pace = new DownloadPace();
      seat = await this.room.enter(model, (progress) => this.#progress(pace, progress), signal);
      const { engine, loaded, lost } = seat;
      const advert = await this.#try(model, seat, signal);
      providing = await this.#needs.provide({
        models: [{ advert, engine, slots: loaded.slots }],
        onStatus: (status) => this.#take(status),
        onFailure: this.#needs.failed,
      });
      if (signal.aborted) throw cancelled();
      this.#lent = { model, loaded, readyAt: this.#needs.now() };
      this.#take(providing.status);
      this.tempo.start();
      await Promise.race([lost, aborted(signal)]);
    } catch (thrown) {
      failure = asMeshError(thrown, 'engine_failed', 'Lending stopped: the model failed on this device. Try again.');
    }
    await this.#rest(seat, providing);
    if (signal.aborted || failure === null || failure.code === 'cancelled') {
      this.#phase = 'off';
    } else {
      this.#needs.failed(failure);
      this.#error = failure;
      this.#phase = 'error';
    }
    this.#run = null;
    await this.device.look();
  }

  /** Probes, and takes the model that fits. */
  async #choose(signal: AbortSignal): Promise<CatalogueModel> {
    const { device } = this;
    const known = this.#needs.modelsKnown().catch(this.#needs.failed);
    await device.probeNow(signal);
    // Whoever presses the switch at once is faster than the list of models.
    await untilAborted(known, signal);
    const model = device.chosen;
    if (model === null) throw noModel();
    this.#lent = { model, loaded: null, readyAt: null };
    device.choose(model.id);
    this.#phase = 'getting';
    return model;
  }

  /** Has the loaded model answer a known question. */
  async #try(model: CatalogueModel, { engine, loaded }: Seat, signal: AbortSignal): Promise<ModelAdvert> {
    this.#lent = { model, loaded, readyAt: null };
    this.#phase = 'waking';
    this.#pace = null;
    const knownAnswer = this.#needs.knownAnswer(model.id).catch((error: unknown) => {
      // The test then goes by the looks of the answer.
      this.#needs.failed(error);
      return null;
    });
    const tokensPerSecond = await selfTest(engine, await untilAborted(knownAnswer, signal), this.#needs.clock, signal);
    if (tokensPerSecond !== null) this.device.learnSpeed(model.id, tokensPerSecond);
    return advertOf(model, loaded, tokensPerSecond);
  }

  /** Puts everything down. */
  async #rest(seat: Seat | null, providing: Providing | null): Promise<void> {
    try {
      await providing?.stop();
      await seat?.leave(0);
    } catch (error) {
      this.#needs.failed(error);
    }
    this.tempo.stop();
    this.totals.keep();
    this.people.take([], this.#needs.now());
    this.#pace = null;
    this.#lent = null;
    this.#status = null;
  }

  #progress(pace: DownloadPace, progress: LoadProgress): void {
    if (!this.on) return;
    this.#phase = progress.phase === 'download' ? 'getting' : 'waking';
    this.#pace = progress.phase === 'download' ? pace.take(progress, this.#needs.clock.now()) : null;
  }

  #take(status: WorkerStatus): void {
    if (this.#lent === null) return;
    const before = this.#status;
    const tokens = status.tokens - (before?.tokens ?? 0);
    this.#status = status;
    this.tempo.add(tokens);
    this.totals.add(
      tokens,
      status.answers - (before?.answers ?? 0),
      status.serving.map(({ peer }) => peer),
    );
    this.people.take(status.serving, this.#needs.now());
    if (this.on) this.#phase = status.busySlots > 0 ? 'serving' : 'waiting';
  }
}

function advertOf(model: CatalogueModel, loaded: LoadedModel, tokensPerSecond: number | null): ModelAdvert {
  return {
    id: model.id,
    name: model.name,
    quant: model.quant,
    format: model.format,
    backend: loaded.backend,
    contextTokens: loaded.contextTokens,
    sha256: model.format === 'gguf' ? model.sha256 : null,
    tokensPerSecond,
    continues: loaded.continues,
  };
}

function noModel(): MeshError {
  return new MeshError(
    'model_not_found',
    'No model is known that this device could run. Check the connection and reload the page.',
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => onAbort(signal, resolve));
}
