/** One lending of this computer, from the switch to its end: a model that fails is started again, or exchanged for a smaller one. */
import { untilAborted } from '@llmesh/core/base/abort';
import { asMeshError, cancelled, type MeshError } from '@llmesh/core/base/errors';
import type { Clock } from '@llmesh/core/base/clock';
import { pace as waitUntil } from '@llmesh/core/base/pace';
import type { LoadedModel } from '@llmesh/core/engine/engine';
import { Restarts } from '@llmesh/core/engine/restarts';
import type { ProvideOptions, Providing } from '@llmesh/core/mesh';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { WorkerStatus } from '@llmesh/core/provide/worker-status';
import type { AnswersGiven } from './answers-given.svelte.ts';
import type { AuditChoice } from './audit-choice.svelte.ts';
import type { DonateTotals } from './donate-totals.svelte.ts';
import { DownloadPace, type Pace } from '../device/download-pace.ts';
import type { EngineHolder } from '../device/engine-holder.svelte.ts';
import type { lendModel, LentEnd } from './lend-model.ts';
import type { LendingHolds } from './lending-holds.ts';
import type { ReadyProgress } from '../device/model-trial.ts';
import { whyNone } from '../device/no-model.ts';
import type { PeopleServed } from './people-served.svelte.ts';
import { smallerModel } from '../device/step-down.ts';
import type { Sharing } from './sharing/sharing.svelte.ts';
import type { SpeedLimit } from './speed-limit.svelte.ts';
import type { Tempo } from './tempo.svelte.ts';
import type { ThisDevice } from '../device/this-device.svelte.ts';

/**
 * getting: downloading · waking: into memory, then the self-test · recovering: it failed and is started again in a moment ·
 * paused: the browser has put the page to sleep, or its owner wants it to rest
 */
export type LendingPhase =
  | 'probing'
  | 'getting'
  | 'waking'
  | 'waiting'
  | 'serving'
  | 'recovering'
  | 'paused'
  | 'stopping';

/** What lending needs of the world outside of this page. */
export interface LendingWorld {
  provide: (options: ProvideOptions) => Promise<Providing>;
  /** Resolves when `models` are all there are. */
  modelsKnown: () => Promise<void>;
  /** Of `lend-model.ts`, which a page fetches when lending begins. */
  lend: typeof lendModel;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  failed: (error: unknown) => void;
}

export interface LendingNeeds extends LendingWorld {
  device: ThisDevice;
  holder: EngineHolder;
  totals: DonateTotals;
  tempo: Tempo;
  speedLimit: SpeedLimit;
  audits: AuditChoice;
  people: PeopleServed;
  given: AnswersGiven;
  holds: LendingHolds;
  /** Lends the files of the model that is lent, too. */
  sharing: Sharing;
}

export interface Lent {
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

const FAILED = 'Lending stopped: the model failed on this device. Try again.';

export class Lending {
  readonly #needs: LendingNeeds;
  readonly #abort = new AbortController();
  #phase = $state<LendingPhase>('probing');
  #mended = $state.raw<Mended | null>(null);
  #pace = $state.raw<Pace | null>(null);
  #waking = $state.raw<ReadyProgress | null>(null);
  #lent = $state.raw<Lent | null>(null);
  #status = $state.raw<WorkerStatus | null>(null);
  #offer: Providing | null = null;
  #finishing = $state(false);
  /** Resolves with why it ended by itself; null: it was stopped. Never rejects. */
  readonly ended: Promise<MeshError | null>;

  constructor(needs: LendingNeeds) {
    this.#needs = needs;
    this.ended = this.#run();
  }

  get phase(): LendingPhase {
    return this.#phase;
  }

  /** The last trouble since it began; null: none. */
  get mended(): Mended | null {
    return this.#mended;
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

  /** Nothing new is taken, and it stops when the answers that were begun are written. */
  get finishing(): boolean {
    return this.#finishing;
  }

  /** Stops when what was begun is written. Resolves when it stops. Idempotent. */
  async finish(): Promise<void> {
    if (this.#finishing) return;
    this.#finishing = true;
    await this.#offer?.finish().catch(this.#needs.failed);
    if (!this.#abort.signal.aborted) this.stop();
  }

  /** Tells those who are served; `ended` resolves when nothing runs any more. */
  stop(): void {
    this.#phase = 'stopping';
    this.#abort.abort();
  }

  async #run(): Promise<MeshError | null> {
    const { signal } = this.#abort;
    try {
      let model = await this.#choose();
      const restarts = new Restarts();
      for (;;) {
        const { error, served } = await this.#serve(model);
        if (signal.aborted) throw cancelled();
        const next = restarts.died(error, this.#needs.clock.now());
        // A model that never worked is not tried again on its own.
        if (next.type === 'stop' || (next.type === 'again' && !served)) throw error;
        this.#needs.failed(error);
        if (next.type === 'smaller') {
          model = this.#stepDown(model, error);
          restarts.stepped();
        } else await this.#recover(error, next.afterMs);
      }
    } catch (thrown) {
      const error = asMeshError(thrown, 'engine_failed', FAILED);
      return signal.aborted || error.code === 'cancelled' ? null : error;
    }
  }

  /** One model, to its end. Never rejects. */
  async #serve(model: CatalogueModel): Promise<LentEnd> {
    const { device, totals, tempo, people, speedLimit, sharing, now } = this.#needs;
    const pace = new DownloadPace();
    this.#lent = { model, loaded: null, readyAt: null };
    this.#phase = 'getting';
    // Also while it is fetched: others may have the pieces that are here already.
    sharing.share(model);
    const end = await this.#needs.lend(
      model,
      {
        ...this.#needs,
        limit: speedLimit,
        progress: (progress) => this.#progress(pace, progress),
        ready: ({ loaded, tokensPerSecond }) => {
          this.#pace = null;
          this.#waking = null;
          // What was downloaded takes room on this device now.
          void device.look();
          if (tokensPerSecond !== null) device.learnSpeed(model.id, tokensPerSecond);
          this.#lent = { model, loaded, readyAt: now() };
          sharing.share(model);
          tempo.start();
        },
        offers: (offer) => (this.#offer = offer),
        status: (status) => this.#take(status),
        answered: (given) => {
          this.#needs.given.add({ ...given, atMs: now() });
          totals.add({ writingMs: Math.round(given.ms) });
        },
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
      this.#abort.signal,
    );
    sharing.share(null);
    tempo.stop();
    totals.keep();
    people.take([], now());
    this.#pace = null;
    this.#waking = null;
    this.#status = null;
    return end;
  }

  /** The next smaller model. Throws `error` when there is none. */
  #stepDown(tooLarge: CatalogueModel, error: MeshError): CatalogueModel {
    const instead = smallerModel(
      this.#needs.device.choices.filter(({ own }) => !own),
      tooLarge,
    );
    if (instead === null) throw error;
    this.#mended = { error, instead };
    return instead;
  }

  async #recover(error: MeshError, afterMs: number): Promise<void> {
    const { clock } = this.#needs;
    const { signal } = this.#abort;
    this.#mended = { error, instead: null };
    this.#phase = 'recovering';
    await waitUntil(clock.now() + afterMs, clock, signal);
    if (signal.aborted) throw cancelled();
  }

  /** Probes the device and takes the model that fits. */
  async #choose(): Promise<CatalogueModel> {
    const { device } = this.#needs;
    const { signal } = this.#abort;
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
    if (this.#phase === 'stopping') return;
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
    this.#needs.tempo.add(tokens);
    this.#needs.totals.add({
      tokens,
      answers: status.answers - (before?.answers ?? 0),
      audits: status.audits - (before?.audits ?? 0),
      peers: status.serving.map(({ peer }) => peer),
    });
    this.#needs.people.take(status.serving, this.#needs.now());
    // A model that is being loaded again answers nobody.
    if (this.#phase !== 'stopping' && this.#waking === null) this.#phase = status.busySlots > 0 ? 'serving' : 'waiting';
  }
}
