/** An engine that downloads its model in turn with other tabs, and does the rest whenever it likes. */
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import type { Engine, Finish, GenerateRequest, LoadedModel, LoadProgress, Piece } from '@llmesh/core/engine/engine';
import { unable } from '@llmesh/core/policy/abilities';
import type { Scores } from '@llmesh/core/proof/score';
import type { DownloadTurn } from './download-turn.ts';

type Lost = Engine<CatalogueModel>['onLost'];
type Reloads = NonNullable<Engine<CatalogueModel>['onReload']> | null;

export class EngineInTurn implements Engine<CatalogueModel> {
  readonly #engine: Engine<CatalogueModel>;
  readonly #turn: DownloadTurn;

  constructor(engine: Engine<CatalogueModel>, turn: DownloadTurn) {
    this.#engine = engine;
    this.#turn = turn;
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
    return await this.#engine.load(model, take, signal).finally(release);
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
