/**
 * Models on their way to this device while their person does something else: one at a time, in order. They are kept in a record
 * that all tabs share, so a download goes on after a reload, and a tab that is closed leaves it to the next.
 */
import { asMeshError, type MeshError } from '@llmesh/core/base/errors';
import type { Clock } from '@llmesh/core/base/clock';
import { isModelId, type ModelId } from '@llmesh/core/base/ids';
import type { LoadProgress } from '@llmesh/core/engine/engine';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import * as v from 'valibot';
import { DownloadPace, type Pace } from '../device/download-pace.ts';
import { KeptRecord } from '../kept/kept-record.svelte.ts';
import { parserOf } from '../kept/parser.ts';
import type { Store } from '../store.ts';
import { DOWNLOADS_KEY } from './downloads-key.ts';

/** Whoever asks for more has pressed every button. */
const MOST = 32;

const KeptSchema = v.object({
  list: v.pipe(v.array(v.object({ model: v.custom<ModelId>(isModelId), paused: v.boolean() })), v.maxLength(MOST)),
  /** Of the last download that said anything. */
  bytesPerSecond: v.fallback(v.nullable(v.number()), null),
});
type Kept = v.InferOutput<typeof KeptSchema>;

/** metered: it begins when its person says so, or on another connection */
export type DownloadState = 'waiting' | 'running' | 'paused' | 'metered' | 'failed';

export interface Download {
  model: CatalogueModel;
  state: DownloadState;
  /** null unless it runs, and has said anything. */
  pace: Pace | null;
  /** null unless it failed. */
  error: MeshError | null;
}

export interface DownloadsNeeds {
  store: Store;
  clock: Clock;
  /** The catalogue as far as it is known. */
  models: () => readonly CatalogueModel[];
  /** Brings a model to this device. Rejects as `Loadable.load` does; what has come is kept. */
  fetch: (model: CatalogueModel, onProgress: (progress: LoadProgress) => void, signal: AbortSignal) => Promise<void>;
  /** Whether the connection is paid for by the byte, or saves data. */
  metered: () => boolean;
  /** A model has come, or stopped coming. */
  changed: (model: CatalogueModel, whole: boolean) => void;
  failed: (error: unknown) => void;
}

interface Running {
  model: CatalogueModel;
  abort: AbortController;
}

export class Downloads {
  readonly #needs: DownloadsNeeds;
  readonly #record: KeptRecord<Kept>;
  #running = $state.raw<Running | null>(null);
  #pace = $state.raw<Pace | null>(null);
  #errors = $state.raw<ReadonlyMap<ModelId, MeshError>>(new Map());
  /** Their person said so, or they were begun in this visit. */
  #allowed: ReadonlySet<ModelId> = $state.raw(new Set());

  constructor(needs: DownloadsNeeds) {
    this.#needs = needs;
    this.#record = new KeptRecord<Kept>({
      store: needs.store,
      key: DOWNLOADS_KEY,
      version: 1,
      parse: parserOf(KeptSchema),
      initial: { list: [], bytesPerSecond: null },
      failed: needs.failed,
      changed: () => this.#turn(),
    });
  }

  /** In the order in which they come. */
  get list(): Download[] {
    const models = this.#needs.models();
    return this.#record.value.list.flatMap(({ model: id, paused }) => {
      const model = models.find((one) => one.id === id);
      if (model === undefined) return [];
      const runs = this.#running?.model.id === id;
      const error = this.#errors.get(id) ?? null;
      const state = runs
        ? 'running'
        : paused
          ? 'paused'
          : error !== null
            ? 'failed'
            : this.#held(id)
              ? 'metered'
              : 'waiting';
      return [{ model, state, pace: runs ? this.#pace : null, error: state === 'failed' ? error : null }];
    });
  }

  of(id: ModelId): Download | null {
    return this.list.find(({ model }) => model.id === id) ?? null;
  }

  /** How fast the last download was; null: none has told yet. */
  get bytesPerSecond(): number | null {
    return this.#record.value.bytesPerSecond;
  }

  async restore(): Promise<void> {
    await this.#record.restore();
    this.#turn();
  }

  /** Begins, or goes on. */
  start({ id }: Pick<CatalogueModel, 'id'>): void {
    this.#allowed = new Set([...this.#allowed, id]);
    this.#forgive(id);
    void this.#record.change((kept) => ({
      ...kept,
      list: kept.list.some(({ model }) => model === id)
        ? kept.list.map((one) => (one.model === id ? { ...one, paused: false } : one))
        : [...kept.list, { model: id, paused: false }].slice(-MOST),
    }));
    this.#turn();
  }

  /** What has come is kept, and it stays so until somebody presses "Resume", here or in another tab. */
  pause({ id }: Pick<CatalogueModel, 'id'>): void {
    void this.#record.change((kept) => ({
      ...kept,
      list: kept.list.map((one) => (one.model === id ? { ...one, paused: true } : one)),
    }));
    this.#turn();
  }

  /** It is not wanted any more. What has come stays until it is removed. */
  drop({ id }: Pick<CatalogueModel, 'id'>): void {
    this.#forgive(id);
    void this.#record.change((kept) => ({ ...kept, list: kept.list.filter(({ model }) => model !== id) }));
    this.#turn();
  }

  /** What failed may succeed now: the connection is back, or the catalogue came. */
  goOn(): void {
    this.#errors = new Map();
    this.#turn();
  }

  #held(id: ModelId): boolean {
    return this.#needs.metered() && !this.#allowed.has(id);
  }

  #forgive(id: ModelId): void {
    this.#errors = new Map([...this.#errors].filter(([failed]) => failed !== id));
  }

  /** Stops what is not wanted any more, and begins what is next. */
  #turn(): void {
    const { list } = this.#record.value;
    const running = this.#running;
    if (running !== null) {
      if (!list.some(({ model, paused }) => model === running.model.id && !paused)) running.abort.abort();
      return;
    }
    const models = this.#needs.models();
    const next = list.find(
      ({ model, paused }) =>
        !paused && !this.#errors.has(model) && !this.#held(model) && models.some(({ id }) => id === model),
    );
    const model = models.find(({ id }) => id === next?.model);
    if (model !== undefined) void this.#run(model);
  }

  async #run(model: CatalogueModel): Promise<void> {
    const { clock, fetch, changed, failed } = this.#needs;
    const running = { model, abort: new AbortController() };
    this.#running = running;
    this.#pace = null;
    const pace = new DownloadPace();
    let whole = false;
    try {
      await fetch(model, (progress) => (this.#pace = pace.take(progress, clock.now())), running.abort.signal);
      whole = true;
    } catch (thrown) {
      if (!running.abort.signal.aborted) {
        this.#errors = new Map([...this.#errors, [model.id, told(thrown)]]);
        failed(thrown);
      }
    }
    const bytesPerSecond = (this.#pace as Pace | null)?.bytesPerSecond ?? null;
    this.#running = null;
    this.#pace = null;
    await this.#record.change((kept) => ({
      bytesPerSecond: bytesPerSecond ?? kept.bytesPerSecond,
      list: whole ? kept.list.filter((one) => one.model !== model.id) : kept.list,
    }));
    changed(model, whole);
    this.#turn();
  }
}

function told(thrown: unknown): MeshError {
  return asMeshError(
    thrown,
    'model_download_failed',
    'The download broke off. What has come is kept: press “Try again”.',
  );
}
