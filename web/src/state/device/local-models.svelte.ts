/** Which models this device runs for its own person, and which of them the next question goes to. */
import { untilAborted } from '@llmesh/core/base/abort';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import { isModelId, type ModelId } from '@llmesh/core/base/ids';
import { KeptRecord } from '../kept/kept-record.svelte.ts';
import type { Store } from '../store.ts';
import type { Choice, ThisDevice } from './this-device.svelte.ts';
import { TINY_MODEL } from '../tiny-model.ts';

export interface LocalModelsNeeds {
  device: ThisDevice;
  /** Resolves when the catalogue is there. */
  modelsKnown: () => Promise<void>;
  /** The model that is in memory now. */
  inMemory: () => CatalogueModel | null;
  store: Store;
  failed: (error: unknown) => void;
  /** Called when it becomes known what this device can run. */
  changed: () => void;
}

export class LocalModels {
  readonly #needs: LocalModelsNeeds;
  readonly #wanted: KeptRecord<ModelId | null>;
  #finding: Promise<void> | null = null;
  #looked = $state(false);

  constructor(needs: LocalModelsNeeds) {
    this.#needs = needs;
    this.#wanted = new KeptRecord({
      store: needs.store,
      key: 'record/local-model',
      version: 1,
      parse: parseModelId,
      initial: null,
      old: { key: 'local-model', read: parseModelId },
      failed: needs.failed,
    });
  }

  /** What fits this device, downloaded models first; the tiny model leads the rest. Empty until that is known. */
  get choices(): Choice[] {
    return this.#needs.device.choices.filter(({ fit }) => fit.fits).sort(byNearness);
  }

  /** This device was examined: `choices` holds all that is known. */
  get known(): boolean {
    return this.#looked;
  }

  get inMemory(): CatalogueModel | null {
    return this.#needs.inMemory();
  }

  /** What was chosen, if it fits; else what is in memory or was downloaded, the largest first; else the tiny model. */
  get chosen(): CatalogueModel | null {
    const { choices } = this;
    const find = (id: ModelId | undefined | null) => choices.find(({ model }) => model.id === id);
    const best = find(this.#wanted.value) ?? find(this.inMemory?.id) ?? choices[0];
    return best?.model ?? null;
  }

  find(id: ModelId): CatalogueModel | null {
    return this.choices.find(({ model }) => model.id === id)?.model ?? null;
  }

  choose(id: ModelId): void {
    void this.#wanted.change(() => id);
  }

  async restore(): Promise<void> {
    await this.#wanted.restore();
  }

  /** Finds out what this device can run, and tries again while that is nothing. Rejects with `cancelled` only. */
  async findOut(signal: AbortSignal): Promise<void> {
    if (!this.#looked || this.choices.length === 0) {
      this.#finding ??= this.#measure().finally(() => (this.#finding = null));
      await untilAborted(this.#finding, signal);
    }
  }

  async #measure(): Promise<void> {
    const { device, modelsKnown, failed, changed } = this.#needs;
    await modelsKnown().catch(failed);
    if (device.probe === null) await device.measure();
    else await device.look();
    this.#looked = true;
    changed();
  }
}

function parseModelId(value: unknown): ModelId | null {
  return isModelId(value) ? value : null;
}

function byNearness(a: Choice, b: Choice): number {
  const here = Number(b.kept?.whole ?? false) - Number(a.kept?.whole ?? false);
  if (here !== 0) return here;
  if (a.kept?.whole) return b.model.parameters - a.model.parameters;
  return Number(b.model.id === TINY_MODEL) - Number(a.model.id === TINY_MODEL) || a.model.sizeBytes - b.model.sizeBytes;
}
