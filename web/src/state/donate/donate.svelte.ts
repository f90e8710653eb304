/** Lending this computer: from the switch to the last answer. */
import { untilAborted } from '@llmesh/core/base/abort';
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import type { Clock } from '@llmesh/core/base/clock';
import type { LoadedModel } from '@llmesh/core/engine/engine';
import { asMeshError, cancelled, type MeshError } from '@llmesh/core/base/errors';
import type { ProvideOptions, Providing } from '@llmesh/core/mesh';
import { lifeOf, type LifeFacts, type LifeState } from '@llmesh/core/control/node-life';
import { pace as waitUntil } from '@llmesh/core/base/pace';
import { Restarts } from '@llmesh/core/engine/restarts';
import type { WorkerStatus } from '@llmesh/core/provide/worker';
import { AuditChoice } from './audit-choice.svelte.ts';
import { DonateTotals } from './donate-totals.svelte.ts';
import { DownloadPace, type Pace } from '../device/download-pace.ts';
import { EngineHolder } from '../device/engine-holder.svelte.ts';
import type { lendModel, LentEnd } from './lend-model.ts';
import type { ReadyProgress, TryModel } from '../device/model-trial.ts';
import { whyNone } from '../device/no-model.ts';
import { PageSleep } from './page-sleep.ts';
import { PeopleServed } from './people-served.svelte.ts';
import { smallerModel } from '../device/step-down.ts';
import { Tempo } from './tempo.svelte.ts';
import { Standings } from './standings.svelte.ts';
import type { Sharing } from './sharing/sharing.svelte.ts';
import { SpeedLimit } from './speed-limit.svelte.ts';
import { ThisDevice, type ThisDeviceNeeds } from '../device/this-device.svelte.ts';

/**
 * getting: downloading · waking: into memory, then the self-test · recovering: it failed and is started again in a moment ·
 * paused: the browser has put the page to sleep · error: off, and `error` says why
 */
export type DonatePhase =
  | 'off'
  | 'probing'
  | 'getting'
  | 'waking'
  | 'waiting'
  | 'serving'
  | 'recovering'
  | 'paused'
  | 'stopping'
  | 'error';

export interface DonateNeeds extends ThisDeviceNeeds {
  provide: (options: ProvideOptions) => Promise<Providing>;
  /** Resolves when `models` are all there are. */
  modelsKnown: () => Promise<void>;
  tryModel: TryModel;
  /** Of `lend-model.ts`, which a page fetches when lending begins. */
  lend: typeof lendModel;
  connection: () => Pick<LifeFacts, 'control' | 'wasConnected' | 'voting'>;
  /** Lends the files of the model that is lent, too. */
  sharing: Sharing;
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

/** What went wrong while lending, and was fixed. */
export interface Mended {
  error: MeshError;
  /** The smaller model lent instead of one too large; null: the same one was started again. */
  instead: CatalogueModel | null;
}

export class DonateState {
  readonly device: ThisDevice;
  /** Shared with the questions that this device answers for its own person. */
  readonly holder: EngineHolder;
  readonly totals: DonateTotals;
  readonly tempo: Tempo;
  readonly speedLimit: SpeedLimit;
  readonly audits: AuditChoice;
  readonly sharing: Sharing;
  readonly standings = new Standings();
  readonly people = new PeopleServed();
  readonly #needs: DonateNeeds;
  #phase = $state<DonatePhase>('off');
  #error = $state.raw<MeshError | null>(null);
  #mended = $state.raw<Mended | null>(null);
  #pace = $state.raw<Pace | null>(null);
  #waking = $state.raw<ReadyProgress | null>(null);
  #lent = $state.raw<Lent | null>(null);
  #status = $state.raw<WorkerStatus | null>(null);
  #run: { abort: AbortController; ended: Promise<void> } | null = null;
  readonly #sleep = new PageSleep();

  constructor(needs: DonateNeeds) {
    this.#needs = needs;
    this.device = new ThisDevice(needs);
    this.holder = new EngineHolder({ ...needs, newEngine: () => this.device.newEngine() });
    this.totals = new DonateTotals(needs);
    this.tempo = new Tempo(needs.clock);
    this.speedLimit = new SpeedLimit(needs);
    this.audits = new AuditChoice(needs);
    this.sharing = needs.sharing;
  }

  get phase(): DonatePhase {
    return this.#phase;
  }

  /** The switch is on, whether or not the model is ready. */
  get on(): boolean {
    return this.#phase !== 'off' && this.#phase !== 'error' && this.#phase !== 'stopping';
  }

  /** The status of this computer as a node of the mesh. */
  get life(): LifeState {
    const { busySlots = 0, auditing = false } = this.#status ?? {};
    return lifeOf({ ...this.#needs.connection(), ready: this.donating, busySlots, auditing });
  }

  /** The last trouble since lending began; null: none. */
  get mended(): Mended | null {
    return this.#mended;
  }

  /** Whether others can be answered now. */
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

  /** The pace of the running download. */
  get pace(): Pace | null {
    return this.#pace;
  }

  /** How far the model is on its way to its first answer; null: it is not on its way. */
  get waking(): ReadyProgress | null {
    return this.#waking;
  }

  get status(): WorkerStatus | null {
    return this.#status;
  }

  async restore(): Promise<void> {
    await Promise.all([
      this.totals.restore(),
      this.device.restore(),
      this.speedLimit.restore(),
      this.audits.restore(),
      this.sharing.restore(),
    ]);
  }

  /** Resolves when lending has ended, whoever ended it. Never rejects: `error` says what went wrong. */
  async start(): Promise<void> {
    if (this.#run !== null) return;
    const abort = new AbortController();
    this.#error = null;
    this.#mended = null;
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

  /** The browser puts this page to sleep: withdraws the offer. Resolves when the people being served were told. */
  async suspend(): Promise<void> {
    await this.#sleep.begin();
  }

  /** The page is awake again: offers again what it offered before. */
  wake(): void {
    this.#sleep.end();
  }

  /** The whole of one lending. Never rejects. */
  async #lend(signal: AbortSignal): Promise<void> {
    let failure: MeshError | null = null;
    try {
      let model = await this.#choose(signal);
      const restarts = new Restarts();
      for (;;) {
        const { error, served } = await this.#serve(model, signal);
        if (signal.aborted) throw cancelled();
        const next = restarts.died(error, this.#needs.clock.now());
        // A model that never worked is not tried again on its own.
        if (next.type === 'stop' || (next.type === 'again' && !served)) throw error;
        this.#needs.failed(error);
        if (next.type === 'smaller') {
          model = this.#stepDown(model, error);
          restarts.stepped();
        } else await this.#recover(error, next.afterMs, signal);
      }
    } catch (thrown) {
      failure = asMeshError(thrown, 'engine_failed', FAILED);
    }
    this.#lent = null;
    this.#mended = null;
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

  /** One model, to its end. Never rejects. */
  async #serve(model: CatalogueModel, signal: AbortSignal): Promise<LentEnd> {
    const pace = new DownloadPace();
    this.#lent = { model, loaded: null, readyAt: null };
    this.#phase = 'getting';
    // Also while it is fetched: others may have the pieces that are here already.
    this.sharing.share(model);
    const end = await this.#needs.lend(
      model,
      {
        ...this.#needs,
        holder: this.holder,
        sleep: this.#sleep,
        audits: this.audits,
        maxTokensPerSecond: () => this.speedLimit.tokensPerSecond,
        progress: (progress) => this.#progress(pace, progress),
        ready: ({ loaded, tokensPerSecond }) => {
          this.#pace = null;
          this.#waking = null;
          // What was downloaded takes room on this device now.
          void this.device.look();
          if (tokensPerSecond !== null) this.device.learnSpeed(model.id, tokensPerSecond);
          this.#lent = { model, loaded, readyAt: this.#needs.now() };
          this.sharing.share(model);
          this.tempo.start();
        },
        status: (status) => this.#take(status),
        reloaded: () => {
          this.#waking = null;
          if (this.#status !== null) this.#take(this.#status);
        },
        paused: () => {
          this.#phase = 'paused';
          // The next offer counts from zero.
          this.#status = null;
        },
      },
      signal,
    );
    this.sharing.share(null);
    this.tempo.stop();
    this.totals.keep();
    this.people.take([], this.#needs.now());
    this.#pace = null;
    this.#waking = null;
    this.#status = null;
    return end;
  }

  /** The next smaller model. Throws `error` when there is none. */
  #stepDown(tooLarge: CatalogueModel, error: MeshError): CatalogueModel {
    const instead = smallerModel(this.device.choices, tooLarge);
    if (instead === null) throw error;
    this.#mended = { error, instead };
    return instead;
  }

  async #recover(error: MeshError, afterMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#needs;
    this.#mended = { error, instead: null };
    this.#phase = 'recovering';
    await waitUntil(clock.now() + afterMs, clock, signal);
    if (signal.aborted) throw cancelled();
  }

  /** Probes the device and takes the model that fits. */
  async #choose(signal: AbortSignal): Promise<CatalogueModel> {
    const { device } = this;
    const known = this.#needs.modelsKnown().catch(this.#needs.failed);
    await device.probeNow(signal);
    // A person who presses the switch at once is faster than the list of models.
    await untilAborted(known, signal);
    const model = device.chosen;
    if (model === null) throw whyNone(device);
    device.choose(model.id);
    return model;
  }

  #progress(pace: DownloadPace, progress: ReadyProgress): void {
    if (!this.on) return;
    const downloads = progress.phase === 'download';
    // While it is loaded again, nothing is downloaded but what was damaged.
    this.#phase = downloads && this.#lent?.loaded === null ? 'getting' : 'waking';
    this.#pace = downloads ? pace.take(progress, this.#needs.clock.now()) : null;
    this.#waking = downloads ? null : progress;
  }

  #take(status: WorkerStatus): void {
    if (this.#lent === null) return;
    const before = this.#status;
    const tokens = status.tokens - (before?.tokens ?? 0);
    this.#status = status;
    this.tempo.add(tokens);
    this.totals.add({
      tokens,
      answers: status.answers - (before?.answers ?? 0),
      audits: status.audits - (before?.audits ?? 0),
      peers: status.serving.map(({ peer }) => peer),
    });
    this.people.take(status.serving, this.#needs.now());
    // A model that is being loaded again answers nobody.
    if (this.on && this.#waking === null) this.#phase = status.busySlots > 0 ? 'serving' : 'waiting';
  }
}

const FAILED = 'Lending stopped: the model failed on this device. Try again.';
