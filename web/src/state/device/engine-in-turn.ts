/** An engine whose model is brought to this device first, in turn with other tabs; it does the rest whenever it likes. */
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import type { Engine, Finish, GenerateRequest, LoadedModel, LoadProgress, Piece } from '@llmesh/core/engine/engine';
import { unable } from '@llmesh/core/policy/abilities';
import type { Scores } from '@llmesh/core/proof/score';
import type { DownloadTurn } from './download-turn.ts';
import type { EngineSettings } from './engine-settings.ts';
import type { ModelSupply } from './model-supply.ts';

type Lost = Engine<CatalogueModel>['onLost'];
type Reloads = NonNullable<Engine<CatalogueModel>['onReload']> | null;

export class EngineInTurn implements Engine<CatalogueModel> {
  readonly #engine: Engine<CatalogueModel>;
  readonly #turn: DownloadTurn;
  readonly #supply: ModelSupply;
  readonly #settings: () => EngineSettings;

  constructor(engine: Engine<CatalogueModel>, turn: DownloadTurn, supply: ModelSupply, settings: () => EngineSettings) {
    this.#engine = engine;
    this.#turn = turn;
    this.#supply = supply;
    this.#settings = settings;
  }

  get onLost(): Lost {
    return this.#engine.onLost;
  }

  set onLost(listener: Lost) {
    this.#engine.onLost = listener;
  }

  get onReload(): Reloads {
    return this.#engine.onReload ?? null;
  }

  set onReload(listener: Reloads) {
    this.#engine.onReload = listener;
  }

  probe(signal: AbortSignal): Promise<Probe> {
    return this.#engine.probe(signal);
  }

  async load(
    model: CatalogueModel,
    onProgress: (progress: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<LoadedModel> {
    const release = await this.#turn.take(model, onProgress, signal);
    const take = (progress: LoadProgress) => {
      // It is whole: now several tabs can read it at the same time.
      if (progress.phase === 'start') release();
      onProgress(progress);
    };
    try {
      await this.#supply.bring(model, this.#settings(), onProgress, signal);
      return await this.#engine.load(model, take, signal);
    } finally {
      release();
    }
  }

  generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined> {
    return this.#engine.generate(request, signal);
  }

  async score(request: GenerateRequest, tokenIds: readonly number[], signal: AbortSignal): Promise<Scores> {
    if (this.#engine.score === undefined) throw unable({ needs: ['audit'] });
    return await this.#engine.score(request, tokenIds, signal);
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}
