/** The engine port in the page: both engines behind one worker. Every call settles, also when the worker dies. */
import { onAbort, untilAborted } from '@llmesh/core/base/abort';
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import type { Clock } from '@llmesh/core/base/clock';
import type { Engine, Finish, GenerateRequest, LoadedModel, LoadProgress, Piece } from '@llmesh/core/engine/engine';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { AsyncQueue } from '@llmesh/core/base/queue';
import { runningMean } from '@llmesh/core/policy/patience';
import { proxy, wrap, type Remote } from 'comlink';
import type { EngineSettings } from '../state/device/engine-settings.ts';
import type { TryModel } from '../state/device/model-trial.ts';
import { valueOf, type EngineHostApi, type Outcome } from './worker-wire.ts';

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
  #host: Host | null = null;
  #model: CatalogueModel | null = null;
  /** Runs answers one after the other; the queue is here because two consumers may share an engine. */
  #turn: Promise<unknown> = Promise.resolve();
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
    const before = this.#turn;
    let done = () => {};
    this.#turn = new Promise<void>((resolve) => {
      done = resolve;
    });
    try {
      await untilAborted(before, signal);
      if (this.#reload !== null) await untilAborted(this.#reload, signal);
      return yield* this.#answer(request, signal);
    } finally {
      // It keeps its place in the queue even after it gave up waiting.
      void before.finally(done);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#model = null;
    if (this.#host !== null) this.#end(this.#host);
  }

  async *#answer(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined> {
    const host = this.#host;
    if (host === null || this.#model === null) throw new MeshError('engine_failed', 'No model is loaded. Start again.');
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

  /** Resolves when the answer that `end` belongs to has stopped, one way or another. */
  async #cancel(host: Host, end: Promise<unknown>): Promise<void> {
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

  #loadInto(host: Host, model: CatalogueModel, onProgress: (progress: LoadProgress) => void): Promise<LoadedModel> {
    return host.call((remote) =>
      remote.load(
        model,
        this.#options.settings(),
        proxy(onProgress),
        proxy((code, message) => this.#lost(new MeshError(code, message))),
      ),
    );
  }

  #running(): Host {
    if (this.#closed) throw new MeshError('engine_failed', 'The engine was closed. Reload the page.');
    const { spawn, whyNotBegun } = this.#options;
    this.#host ??= new Host(spawn(), whyNotBegun, (error) => {
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

  #end(host: Host): void {
    if (this.#host === host) this.#host = null;
    host.end();
  }
}

/** The engine continues when its pieces are taken: when the next one is asked for. */
interface Told {
  piece: Piece;
  taken: () => void;
}

/** One worker, and the calls that wait for it. */
class Host {
  readonly #worker: Worker;
  readonly #remote: Remote<EngineHostApi>;
  readonly #waiting = new Set<(error: Error) => void>();
  #dead: MeshError | null = null;

  constructor(worker: Worker, whyNotBegun: () => Promise<MeshError>, died: (error: MeshError) => void) {
    this.#worker = worker;
    this.#remote = wrap<EngineHostApi>(worker);
    let begun = false;
    worker.addEventListener('message', () => (begun = true), { once: true });
    const die = async () => {
      const error = begun ? stoppedByItself() : await whyNotBegun();
      if (this.#dead !== null) return;
      this.#fail(error);
      died(error);
    };
    worker.addEventListener('error', () => void die());
    worker.addEventListener('messageerror', () => void die());
  }

  call<T>(run: (remote: Remote<EngineHostApi>) => Promise<Outcome<T>>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#dead !== null) {
        reject(this.#dead);
        return;
      }
      this.#waiting.add(reject);
      run(this.#remote)
        .then((outcome) => resolve(valueOf(outcome)))
        .catch(reject)
        .finally(() => this.#waiting.delete(reject));
    });
  }

  tell(run: (remote: Remote<EngineHostApi>) => unknown): void {
    if (this.#dead === null) run(this.#remote);
  }

  /** Ends the worker and cancels the calls that wait for it. Idempotent. */
  end(): void {
    if (this.#dead === null) this.#fail(cancelled());
  }

  #fail(error: MeshError): void {
    this.#dead = error;
    this.#worker.terminate();
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
  }
}

function stoppedByItself(): MeshError {
  return new MeshError(
    'engine_failed',
    'The program that runs models stopped on its own; most often this device had no memory left for it. Close other tabs ' +
      'and start again, or choose a smaller model.',
  );
}
