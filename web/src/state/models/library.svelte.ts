/** What the Models page knows: the models of the mesh and of this device, and those on their way here. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import { offerName } from '@llmesh/core/policy/offer-name';
import { PAGES } from '@llmesh/core/wire/pages';
import type { LocalModels } from '../device/local-models.svelte.ts';
import type { ThisDevice } from '../device/this-device.svelte.ts';
import type { Offers } from '../offers.svelte.ts';
import type { Scope } from '../scope.ts';
import type { Downloads } from './downloads.svelte.ts';
import { modelEntries, type ModelEntry } from './model-entry.ts';
import type { OwnModels } from './own-models.svelte.ts';
import { firstModel, recommended, type Recommended } from './recommend.ts';

export interface ModelLibraryNeeds {
  models: () => readonly CatalogueModel[];
  /** Resolves when the catalogue is there. */
  modelsKnown: () => Promise<void>;
  offers: Offers;
  device: ThisDevice;
  local: LocalModels;
  downloads: Downloads;
  own: OwnModels;
  /** Begins a new conversation, answered by whoever may within this scope. */
  chatWithin: (scope: Scope) => void;
  go: (path: string) => void;
  /** The speed that the browser guesses of the connection; null: it does not say. */
  lineBytesPerSecond: () => number | null;
  failed: (error: unknown) => void;
}

export class ModelLibrary {
  readonly downloads: Downloads;
  readonly own: OwnModels;
  readonly device: ThisDevice;
  readonly #needs: ModelLibraryNeeds;
  readonly #entries = $derived.by(() => {
    const { models, device, offers } = this.#needs;
    return modelEntries({ models: models(), choices: device.choices, offers: offers.all, probe: device.probe });
  });
  #looking: Promise<void> | null = null;
  #looked = $state(false);

  constructor(needs: ModelLibraryNeeds) {
    this.#needs = needs;
    this.downloads = needs.downloads;
    this.own = needs.own;
    this.device = needs.device;
  }

  get entries(): readonly ModelEntry[] {
    return this.#entries;
  }

  /** The device was looked at, as far as it can be. */
  get looked(): boolean {
    return this.#looked;
  }

  get recommended(): Recommended | null {
    return recommended(this.entries, this.#onCard);
  }

  /** The best model to download first; null: none fits, or it is not known yet. */
  get first(): ModelEntry | null {
    return firstModel(this.entries, this.#onCard);
  }

  /** A guess of how long a download takes, from the last one or from what the browser says; null: nobody can say. */
  secondsFor(sizeBytes: number): number | null {
    const rate = this.downloads.bytesPerSecond ?? this.#needs.lineBytesPerSecond();
    return rate === null || rate <= 0 ? null : sizeBytes / rate;
  }

  /** The guess comes from a download, and not from what the browser says of the line. */
  get rateIsMeasured(): boolean {
    return this.downloads.bytesPerSecond !== null;
  }

  /** Finds out what there is, and what fits. Never rejects. */
  look(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = null)));
  }

  /** Goes on with what was being downloaded, once it is known which models there are. Never rejects. */
  async goOn(): Promise<void> {
    await this.#needs.modelsKnown().catch(this.#needs.failed);
    this.downloads.goOn();
  }

  /** Asks volunteers from now on. */
  chatWith({ offer }: ModelEntry): void {
    const { offers, chatWithin, go } = this.#needs;
    if (offer === null) return;
    offers.choose(offerName(offer));
    chatWithin('anyone');
    go(PAGES.chat.path);
  }

  /** Asks this device from now on. */
  chatHere({ here }: ModelEntry): void {
    const { local, chatWithin, go } = this.#needs;
    if (here === null) return;
    local.choose(here.model.id);
    chatWithin('device');
    go(PAGES.chat.path);
  }

  /** Donate is opened with this model chosen: its person presses the switch. */
  lend({ here }: ModelEntry): void {
    if (here === null) return;
    this.device.choose(here.model.id);
    this.#needs.go(PAGES.donate.path);
  }

  /** Takes its file off this device. Never rejects: the device says what went wrong. */
  async remove(model: CatalogueModel, own: boolean): Promise<void> {
    this.downloads.drop(model);
    await this.device.remove(model);
    if (own && !this.device.kept.some(({ id }) => id === model.id)) this.own.forget(model.id);
  }

  get #onCard(): boolean {
    const { probe } = this.device;
    return probe?.backend === 'webgpu' && !probe.software;
  }

  async #look(): Promise<void> {
    const { modelsKnown, failed, device, downloads } = this.#needs;
    await modelsKnown().catch(failed);
    await (device.probe === null ? device.measure() : device.look());
    downloads.goOn();
    this.#looked = true;
  }
}
