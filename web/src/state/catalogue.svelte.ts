/** The models this mesh knows of, whether or not somebody lends them now. */
import {
  CatalogueSchema,
  fits,
  parseCatalogue,
  type Catalogue,
  type CatalogueModel,
  type Fit,
  type Probe,
} from '@llmesh/core/policy/catalogue';
import type { ModelId } from '@llmesh/core/base/ids';
import * as v from 'valibot';
import type { Store } from './store.ts';

const PATH = '/models/catalogue.json';
const KEY = 'catalogue';
const TIMEOUT_MS = 30_000;

export interface ModelCatalogueNeeds {
  getJson: (path: string, signal: AbortSignal) => Promise<unknown>;
  store: Store;
  /** The list could not be renewed, or could not be kept for the next visit. */
  failed: (error: unknown) => void;
}

export class ModelCatalogue {
  readonly #needs: ModelCatalogueNeeds;
  #fresh = false;
  #loading: Promise<void> | null = null;
  #models = $state.raw<ReadonlyMap<ModelId, CatalogueModel>>(new Map());

  constructor(needs: ModelCatalogueNeeds) {
    this.#needs = needs;
  }

  /**
   * Resolves when the models are known: at once with what an earlier visit kept, while the list is renewed.
   * Rejects when they cannot be loaded; then the next call tries again.
   */
  async load(): Promise<void> {
    if (this.#fresh) return;
    const renewed = this.#refresh();
    if (this.#models.size === 0) await renewed;
    else renewed.catch(this.#needs.failed);
  }

  /** Without a network the kept list can still name the models on this device. */
  async restore(): Promise<void> {
    const kept = v.safeParse(CatalogueSchema, await this.#needs.store.get(KEY));
    if (kept.success) this.#take(kept.output);
  }

  #refresh(): Promise<void> {
    this.#loading ??= this.#fetch().finally(() => (this.#loading = null));
    return this.#loading;
  }

  /** Empty until the catalogue has come. */
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
    const { getJson, store, failed } = this.#needs;
    const catalogue = parseCatalogue(await getJson(PATH, AbortSignal.timeout(TIMEOUT_MS)));
    this.#take(catalogue);
    this.#fresh = true;
    store.set([[KEY, catalogue]]).catch(failed);
  }

  #take({ models }: Catalogue): void {
    this.#models = new Map(models.map((model) => [model.id, model]));
  }
}
