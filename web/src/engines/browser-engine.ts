/** The engine port in the page: both engines behind one worker. Every call settles, also when the worker dies. */
import { onAbort, untilAborted } from '@llmesh/core/base/abort';
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import type { Clock } from '@llmesh/core/base/clock';
import type { Engine, Finish, GenerateRequest, LoadedModel, LoadProgress, Piece } from '@llmesh/core/engine/engine';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { AsyncQueue } from '@llmesh/core/base/queue';
import type { Scores } from '@llmesh/core/proof/score';
import { runningMean } from '@llmesh/core/policy/patience';
import { proxy } from 'comlink';
import type { EngineSettings } from '../state/device/engine-settings.ts';
import type { TryModel } from '../state/device/model-trial.ts';
import { OneAtATime } from './one-at-a-time.ts';
import { WorkerHost } from './worker-host.ts';
import type { EngineHostApi } from './worker-wire.ts';

/**
 * An engine that has not stopped by then, or within so many of its usual pauses, is in a long prefill: its worker is ended
 * and the model loaded again.
 */
const CANCEL_GRACE_MS = 3_000;
const CANCEL_PAUSES = 2;

export interface BrowserEngineOptions {
  /** A new engine worker. */
  spawn: () => Worker;
  /** Why a worker never began: its script may be gone from the server. */
  whyNotBegun: () => Promise<MeshError>;
  settings: () => EngineSettings;
  /** Tries a model that was loaded again without anybody having asked for it. */
  tryModel: TryModel;
  clock: Clock;
}

export class BrowserEngine implements Engine<CatalogueModel> {
  onLost: ((error: Error) => void) | null = null;
  onReload: ((ended: Promise<void>) => void) | null = null;
  readonly #options: BrowserEngineOptions;
  #host: WorkerHost<EngineHostApi> | null = null;
  #model: CatalogueModel | null = null;
  /** Runs answers one after the other; the line is here because two consumers may share an engine. */
  readonly #line = new OneAtATime();
  /** Ends the check that runs or waits; null: there was none. */
  #check: AbortController | null = null;
  #reload: Promise<void> | null = null;
  /** Who loaded the model hears of it, too, when it is loaded again. */
  #onProgress: (progress: LoadProgress) => void = () => {};
  /** Between two pieces, as an exponential average; null before there were two. */
  #usualMs: number | null = null;
  #closed = false;

  constructor(options: BrowserEngineOptions) {
    this.#options = options;
  }

  async probe(signal: AbortSignal): Promise<Probe> {
    return await untilAborted(
      this.#running().call((remote) => remote.probe()),
      signal,
    );
  }

  async load(
    model: CatalogueModel,
    onProgress: (progress: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<LoadedModel> {
    if (signal.aborted) throw cancelled();
    this.#model = null;
    this.#onProgress = onProgress;
    const host = this.#running();
    // With the worker only unwanted work is lost; downloads are kept as far as they came.
    const stop = onAbort(signal, () => this.#end(host));
    try {
      const loaded = await untilAborted(this.#loadInto(host, model, onProgress), signal);
      this.#model = model;
      return loaded;
    } finally {
      stop();
    }
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined> {
    if (signal.aborted) throw cancelled();
    this.#check?.abort();
    const leave = await this.#line.enter(signal);
    try {
      if (this.#reload !== null) await untilAborted(this.#reload, signal);
      return yield* this.#answer(request, signal);
    } finally {
      leave();
    }
  }

  /** An answer that is asked for meanwhile goes first: the check begins anew behind it. */
  async score(request: GenerateRequest, tokenIds: readonly number[], signal: AbortSignal): Promise<Scores> {
    for (;;) {
      if (signal.aborted) throw cancelled();
      const check = new AbortController();
      this.#check = check;
      try {
        return await this.#checked(request, tokenIds, AbortSignal.any([signal, check.signal]));
      } catch (error) {
        if (!check.signal.aborted) throw error;
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#model = null;
    if (this.#host !== null) this.#end(this.#host);
  }

  async *#answer(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined> {
    const host = this.#loaded();
    const { clock } = this.#options;
    const pieces = new AsyncQueue<Told>();
    /** Null before the first piece, for which the prompt is read. */
    let takenMs: number | null = null;
    const untaken = new Set<() => void>();
    const call = host.call((remote) =>
      remote.generate(
        request,
        proxy(
          (piece: Piece) =>
            new Promise<void>((resolve) => {
              const taken = () => {
                untaken.delete(taken);
                resolve();
              };
              untaken.add(taken);
              if (takenMs !== null) this.#usualMs = runningMean(this.#usualMs, clock.now() - takenMs);
              pieces.push({ piece, taken });
            }),
        ),
      ),
    );
    let settled = false;
    const end = call.then(
      () => pieces.end(),
      (error: unknown) => pieces.end(error),
    );
    void end.then(() => (settled = true));
    // Aborting and walking away both cancel it; only one may make the model load again.
    let cancelling: Promise<void> | null = null;
    const cancel = () => (cancelling ??= this.#cancel(host, end));
    const stop = onAbort(signal, () => void cancel());
    try {
      for (;;) {
        const items = await pieces.take();
        if (items === null) return await call;
        for (const { piece, taken } of items) {
          if (signal.aborted) break;
          yield piece;
          takenMs = clock.now();
          taken();
        }
      }
    } finally {
      stop();
      for (const taken of untaken) taken();
      // For a consumer that walks away, the engine has stopped when its loop ends.
      if (!settled) await cancel();
    }
  }

  async #checked(request: GenerateRequest, tokenIds: readonly number[], signal: AbortSignal): Promise<Scores> {
    const leave = await this.#line.enter(signal);
    try {
      if (this.#reload !== null) await untilAborted(this.#reload, signal);
      const host = this.#loaded();
      const call = host.call((remote) => remote.score(request, tokenIds));
      const end = call.then(
        () => {},
        () => {},
      );
      const stop = onAbort(signal, () => void this.#cancel(host, end));
      try {
        return await call;
      } finally {
        stop();
      }
    } finally {
      leave();
    }
  }

  #loaded(): WorkerHost<EngineHostApi> {
    if (this.#host === null || this.#model === null) {
      throw new MeshError('engine_failed', 'No model is loaded. Start again.');
    }
    return this.#host;
  }

  /** Resolves when the answer that `end` belongs to has stopped, one way or another. */
  async #cancel(host: WorkerHost<EngineHostApi>, end: Promise<unknown>): Promise<void> {
    host.tell((remote) => remote.cancel());
    const patience = new Promise<boolean>((resolve) => {
      const drop = this.#options.clock.after(Math.max(CANCEL_GRACE_MS, CANCEL_PAUSES * (this.#usualMs ?? 0)), () =>
        resolve(false),
      );
      void end.then(() => {
        drop();
        resolve(true);
      });
    });
    if (await patience) return;
    this.#end(host);
    const model = this.#model;
    if (model === null || this.#closed) return;
    const reload = this.#again(model).catch((error: unknown) => this.#lost(error));
    this.#reload = reload;
    void reload.then(() => {
      if (this.#reload === reload) this.#reload = null;
    });
    this.onReload?.(reload);
  }

  async #again(model: CatalogueModel): Promise<void> {
    await this.#loadInto(this.#running(), model, this.#onProgress);
    const untested = {
      generate: (request: GenerateRequest, signal: AbortSignal) => this.#answer(request, signal),
    };
    await this.#options.tryModel(untested, model.id, new AbortController().signal, () => {});
  }

  #loadInto(
    host: WorkerHost<EngineHostApi>,
    model: CatalogueModel,
    onProgress: (progress: LoadProgress) => void,
  ): Promise<LoadedModel> {
    return host.call((remote) =>
      remote.load(
        model,
        this.#options.settings(),
        proxy(onProgress),
        proxy((code, message) => this.#lost(new MeshError(code, message))),
      ),
    );
  }

  #running(): WorkerHost<EngineHostApi> {
    if (this.#closed) throw new MeshError('engine_failed', 'The engine was closed. Reload the page.');
    const { spawn, whyNotBegun } = this.#options;
    this.#host ??= new WorkerHost<EngineHostApi>(spawn(), whyNotBegun, (error) => {
      this.#host = null;
      this.#lost(error);
    });
    return this.#host;
  }

  #lost(error: unknown): void {
    if (this.#model === null) return;
    this.#model = null;
    this.onLost?.(error instanceof Error ? error : new Error(String(error)));
  }

  #end(host: WorkerHost<EngineHostApi>): void {
    if (this.#host === host) this.#host = null;
    host.end();
  }
}

/** The engine continues when its pieces are taken: when the next one is asked for. */
interface Told {
  piece: Piece;
  taken: () => void;
}
