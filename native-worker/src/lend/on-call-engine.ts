/** A model that leaves the memory when nobody has asked it for a while, and is loaded again for the next question. */
import { untilAborted } from '@llmesh/core/base/abort';
import type { Clock } from '@llmesh/core/base/clock';
import type { Embedder, Engine, Finish, GenerateRequest, Piece, TextVector } from '@llmesh/core/engine/engine';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { Scores } from '@llmesh/core/proof/score';

export type LoadedEngine = Pick<Engine<never>, 'generate' | 'close'> &
  Required<Pick<Engine<never>, 'score'>> &
  Pick<Embedder<never>, 'embed'>;

export interface OnCallNeeds {
  /** Loads it again. A failure is the failure of the question that asked; the next one tries again. */
  open: (signal: AbortSignal) => Promise<LoadedEngine>;
  unloadAfterMs: number;
  clock: Clock;
  /** Told when it left the memory, or is back in it. */
  turned: (loaded: boolean) => void;
  /** Told when it could not be closed. */
  failed: (error: unknown) => void;
}

export class OnCallEngine implements LoadedEngine {
  readonly #needs: OnCallNeeds;
  /** Null while it is out of memory. */
  #engine: Promise<LoadedEngine> | null;
  /** The memory is free only once the previous engine has left it. */
  #left: Promise<void> = Promise.resolve();
  #asking = 0;
  #stopTimer: () => void = () => {};
  readonly #closing = new AbortController();

  /** `loaded`: the engine that was opened first, and tried. */
  constructor(loaded: LoadedEngine, needs: OnCallNeeds) {
    this.#needs = needs;
    this.#engine = Promise.resolve(loaded);
    this.#rest();
  }

  generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined> {
    return this.#asked((engine) => engine.generate(request, signal), signal);
  }

  embed(texts: readonly string[], signal: AbortSignal): AsyncGenerator<TextVector, void, undefined> {
    return this.#asked((engine) => engine.embed(texts, signal), signal);
  }

  /** It does not come back for this: who drew it as an auditor asks another. */
  async score(request: GenerateRequest, tokenIds: readonly number[], signal: AbortSignal): Promise<Scores> {
    const loaded = this.#engine;
    if (loaded === null) throw new MeshError('busy', 'This model is not in memory now.');
    this.#asking += 1;
    this.#stopTimer();
    try {
      return await (await untilAborted(loaded, signal)).score(request, tokenIds, signal);
    } finally {
      this.#asking -= 1;
      if (this.#asking === 0) this.#rest();
    }
  }

  async *#asked<T, R>(
    run: (engine: LoadedEngine) => AsyncGenerator<T, R, undefined>,
    signal: AbortSignal,
  ): AsyncGenerator<T, R, undefined> {
    this.#asking += 1;
    this.#stopTimer();
    try {
      const engine = await untilAborted(this.#wake(), signal);
      return yield* run(engine);
    } finally {
      this.#asking -= 1;
      if (this.#asking === 0) this.#rest();
    }
  }

  /**
   * Loads it before anybody asks; it leaves again as it does after a question. Does nothing while it is in memory: an
   * expectation alone keeps nothing there. Fails as loading does.
   */
  async loadAhead(): Promise<void> {
    if (this.#engine !== null) return;
    await this.#wake();
    if (this.#asking === 0) this.#rest();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#stopTimer();
    this.#leave(false);
    await this.#left;
  }

  /** All who ask while it is being loaded wait for the same. */
  async #wake(): Promise<LoadedEngine> {
    const { signal } = this.#closing;
    if (signal.aborted) throw cancelled();
    if (this.#engine !== null) return this.#engine;
    const opening = this.#left.then(() => this.#needs.open(signal));
    this.#engine = opening;
    try {
      const engine = await opening;
      this.#needs.turned(true);
      return engine;
    } catch (thrown) {
      if (this.#engine === opening) this.#engine = null;
      throw thrown;
    }
  }

  #rest(): void {
    this.#stopTimer();
    if (this.#closing.signal.aborted) return;
    this.#stopTimer = this.#needs.clock.after(this.#needs.unloadAfterMs, () => this.#leave(true));
  }

  #leave(tell: boolean): void {
    const engine = this.#engine;
    if (engine === null) return;
    this.#engine = null;
    this.#left = engine
      .then(async (loaded) => {
        await loaded.close();
        if (tell) this.#needs.turned(false);
      })
      .catch((error: unknown) => {
        // A model that was being loaded during the close never came.
        if (!this.#closing.signal.aborted) this.#needs.failed(error);
      });
  }
}
