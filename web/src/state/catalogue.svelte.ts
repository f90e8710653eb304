/** The models this mesh knows of, whether or not somebody lends them now. */
import { fits, parseCatalogue, type CatalogueModel, type Fit } from '@llmesh/core/catalogue';
import type { Probe } from '@llmesh/core/engine';
import type { ModelId } from '@llmesh/core/ids';

const PATH = '/models/catalogue.json';

export class ModelCatalogue {
  readonly #getJson: (path: string, signal: AbortSignal) => Promise<unknown>;
  #models = $state.raw<ReadonlyMap<ModelId, CatalogueModel>>(new Map());

  constructor(getJson: (path: string, signal: AbortSignal) => Promise<unknown>) {
    this.#getJson = getJson;
  }

  /** Rejects when the catalogue cannot be had; then nothing is known, and the page leaves those facts out. */
  async load(signal: AbortSignal): Promise<void> {
    const { models } = parseCatalogue(await this.#getJson(PATH, signal));
    this.#models = new Map(models.map((model) => [model.id, model]));
  }

  /** Empty until the catalogue came. */
  get models(): readonly CatalogueModel[] {
    return [...this.#models.values()];
  }

  summaryOf(id: ModelId): string | null {
    return this.#models.get(id)?.summary ?? null;
  }

  /** null: not known. */
  fitOf(id: ModelId, probe: Probe | null): Fit | null {
    const model = this.#models.get(id);
    return model === undefined || probe === null ? null : fits(model, probe);
  }
}
