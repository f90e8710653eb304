/** The models this mesh knows of, whether or not somebody lends them now. */
import { fits, parseCatalogue, type CatalogueModel, type Fit } from '@llmesh/core/catalogue';
import type { Probe } from '@llmesh/core/engine';
import type { ModelId } from '@llmesh/core/ids';

const PATH = '/models/catalogue.json';
const TIMEOUT_MS = 30_000;

export class ModelCatalogue {
  readonly #getJson: (path: string, signal: AbortSignal) => Promise<unknown>;
  #loading: Promise<void> | null = null;
  #models = $state.raw<ReadonlyMap<ModelId, CatalogueModel>>(new Map());

  constructor(getJson: (path: string, signal: AbortSignal) => Promise<unknown>) {
    this.#getJson = getJson;
  }

  /** Resolves when the models are known. Rejects when they cannot be had; then the next call tries again. */
  load(): Promise<void> {
    if (this.#models.size > 0) return Promise.resolve();
    this.#loading ??= this.#fetch().finally(() => (this.#loading = null));
    return this.#loading;
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

  async #fetch(): Promise<void> {
    const { models } = parseCatalogue(await this.#getJson(PATH, AbortSignal.timeout(TIMEOUT_MS)));
    this.#models = new Map(models.map((model) => [model.id, model]));
  }
}
