/**
 * The one model that this page has in memory. Lending and asking share it when they want the same one, and never load a
 * second beside it.
 */
import { untilAborted } from '@llmesh/core/base/abort';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Clock } from '@llmesh/core/base/clock';
import type { Engine, LoadedModel } from '@llmesh/core/engine/engine';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { ReadyProgress, TryModel } from './model-trial.ts';

export interface EngineHolderNeeds {
  newEngine: () => Engine<CatalogueModel>;
  /** The trial that a model must pass before anybody gets it. */
  tryModel: TryModel;
  clock: Clock;
  /** Hears of an engine that did not close as it should. */
  failed: (error: unknown) => void;
}

export interface EngineLease {
  /** The engine, for answers and checks only: the holder loads and closes it. */
  engine: Pick<Engine<CatalogueModel>, 'generate' | 'score'>;
  loaded: LoadedModel;
  /** The speed during its trial; null: the trial was too short to tell. */
  tokensPerSecond: number | null;
  /** How long it took until the model was in memory and tried. */
  wakesInMs: number;
  /** Calls back when the model leaves the memory for a while, until `ended`. The returned function ends that. */
  onReload: (listener: (ended: Promise<void>) => void) => () => void;
  /** Rejects when the engine died on its own. Never resolves. */
  lost: Promise<never>;
  /** `idleMs`: how long the model may stay in memory when nobody else needs it. Idempotent. */
  leave: (idleMs: number) => Promise<void>;
  /** The engine does not work: the next user gets another, and those who share this one hear that it is lost. */
  discard: (error: MeshError) => Promise<void>;
}

type Ready = Pick<EngineLease, 'loaded' | 'tokensPerSecond' | 'wakesInMs'>;

interface Held {
  model: CatalogueModel;
  engine: Engine<CatalogueModel>;
  ready: Promise<Ready>;
  abort: AbortController;
  lost: Promise<never>;
  die: (error: Error) => void;
  /** Listeners for the progress of loading, one per user. */
  users: Set<(progress: ReadyProgress) => void>;
  reloads: Set<(ended: Promise<void>) => void>;
  stopIdle: () => void;
}

export class EngineHolder {
  readonly #needs: EngineHolderNeeds;
  #held: Held | null = null;
  #model = $state.raw<CatalogueModel | null>(null);

  constructor(needs: EngineHolderNeeds) {
    this.#needs = needs;
  }

  /** The model in memory, or on its way there. */
  get model(): CatalogueModel | null {
    return this.#model;
  }

  /** Rejects as `Engine.load` and `TryModel` do, and with `busy` while another model is in use. */
  async enter(
    model: CatalogueModel,
    onProgress: (progress: ReadyProgress) => void,
    signal: AbortSignal,
  ): Promise<EngineLease> {
    if (signal.aborted) throw cancelled();
    if (this.#held !== null && this.#held.model.id !== model.id) {
      if (this.#held.users.size > 0) throw inUse(this.#held.model, model);
      await this.#empty(this.#held);
    }
    // Wrapped, because the same function may come twice.
    const user = (progress: ReadyProgress) => onProgress(progress);
    const held = (this.#held ??= this.#load(model, user));
    held.stopIdle();
    held.users.add(user);
    const leave = async (idleMs: number) => {
      if (!held.users.delete(user) || held.users.size > 0 || this.#held !== held) return;
      if (idleMs > 0) held.stopIdle = this.#needs.clock.after(idleMs, () => void this.#empty(held));
      else await this.#empty(held);
    };
    try {
      const ready = await untilAborted(held.ready, signal);
      const discard = async (error: MeshError) => {
        held.die(error);
        await this.#empty(held);
      };
      const onReload = (listener: (ended: Promise<void>) => void) => {
        held.reloads.add(listener);
        return () => held.reloads.delete(listener);
      };
      return { engine: held.engine, ...ready, lost: held.lost, leave, discard, onReload };
    } catch (error) {
      await leave(0);
      throw error;
    }
  }

  #load(model: CatalogueModel, first: (progress: ReadyProgress) => void): Held {
    const engine = this.#needs.newEngine();
    const abort = new AbortController();
    const users = new Set([first]);
    let die: (error: Error) => void = () => {};
    const lost = new Promise<never>((_, reject) => (die = reject));
    engine.onLost = (error) => {
      die(error);
      void this.#empty(held);
    };
    const reloads = new Set<(ended: Promise<void>) => void>();
    engine.onReload = (ended) => {
      for (const listener of reloads) listener(ended);
    };
    const tell = (progress: ReadyProgress) => {
      for (const user of users) user(progress);
    };
    const ready = this.#prepare(engine, model, tell, abort.signal);
    const held: Held = { model, engine, ready, abort, lost, die, users, reloads, stopIdle: () => {} };
    // All users of the holder hear of both; there may be none.
    lost.catch(() => {});
    ready.catch(() => {});
    this.#model = model;
    return held;
  }

  async #prepare(
    engine: Engine<CatalogueModel>,
    model: CatalogueModel,
    tell: (progress: ReadyProgress) => void,
    signal: AbortSignal,
  ): Promise<Ready> {
    const { clock, tryModel } = this.#needs;
    let startedMs: number | null = null;
    const loaded = await engine.load(
      model,
      (progress) => {
        // What is downloaded once is here when the model is loaded again.
        if (progress.phase === 'start') startedMs ??= clock.now();
        tell(progress);
      },
      signal,
    );
    startedMs ??= clock.now();
    tell({ phase: 'trial', tokens: 0 });
    const tokensPerSecond = await tryModel(engine, model.id, signal, (tokens) => tell({ phase: 'trial', tokens }));
    return { loaded, tokensPerSecond, wakesInMs: clock.now() - startedMs };
  }

  async #empty(held: Held): Promise<void> {
    if (this.#held === held) {
      this.#held = null;
      this.#model = null;
    }
    held.stopIdle();
    held.abort.abort();
    held.engine.onLost = null;
    held.engine.onReload = null;
    await held.engine.close().catch(this.#needs.failed);
  }
}

function inUse(held: CatalogueModel, wanted: CatalogueModel): MeshError {
  return new MeshError(
    'busy',
    `This device is busy with ${held.name} and holds one model at a time. Use ${held.name} here, too; or stop lending ` +
      `it, or wait for its answer to end, and then take ${wanted.name}.`,
  );
}
