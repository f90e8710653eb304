/** What this device can do, which models it has, and which was chosen for it. */
import { fits, type CatalogueModel, type Fit, type GgufModel, type Probe } from '@llmesh/core/policy/catalogue';
import type { Engine } from '@llmesh/core/engine/engine';
import { asMeshError, type MeshError } from '@llmesh/core/base/errors';
import { isModelId, type ModelId } from '@llmesh/core/base/ids';
import * as v from 'valibot';
import { proposeModel } from './donate-choice.ts';
import type { EngineSettings } from './engine-settings.ts';
import { KeptRecord } from '../kept/kept-record.svelte.ts';
import { parserOf } from '../kept/parser.ts';
import type { KeptModel, ModelShelf, StorageQuota } from './model-shelf.ts';
import type { Store } from '../store.ts';

const KeptSchema = v.object({
  last: v.fallback(v.nullable(v.custom<ModelId>(isModelId)), null),
  mirror: v.fallback(v.nullable(v.string()), null),
  /** Tokens a second measured on this device, by model. */
  speeds: v.fallback(v.record(v.string(), v.number()), {}),
});

const parse = parserOf(KeptSchema);
type Kept = v.InferOutput<typeof KeptSchema>;

export interface ThisDeviceNeeds {
  /** The catalogue as far as it is known. */
  models: () => readonly CatalogueModel[];
  /** Its code may have to be fetched. */
  newEngine: (settings: () => EngineSettings) => Engine<CatalogueModel> | Promise<Engine<CatalogueModel>>;
  shelf: ModelShelf;
  /** Models that the visitor brought from their disk: for this device only. Left out: there is no place for any. */
  ownModels?: () => Promise<readonly GgufModel[]>;
  store: Store;
  /** Hears what a person need not know, for the log: a setting not kept, a file not removed. */
  failed: (error: unknown) => void;
}

export interface Choice {
  model: CatalogueModel;
  fit: Fit;
  kept: KeptModel | null;
  tokensPerSecond: number | null;
  /** It came from the visitor's disk, and is never lent. */
  own: boolean;
}

export class ThisDevice {
  readonly #needs: ThisDeviceNeeds;
  #probe = $state.raw<Probe | null>(null);
  #hadGpu = false;
  #measuring = $state(false);
  #measurement: Promise<void> | null = null;
  readonly #record: KeptRecord<Kept>;
  #kept = $state.raw<readonly KeptModel[]>([]);
  #own = $state.raw<readonly GgufModel[]>([]);
  #quota = $state.raw<StorageQuota | null>(null);
  #keepsModels = $state(true);
  #trouble = $state.raw<MeshError | null>(null);

  constructor(needs: ThisDeviceNeeds) {
    this.#needs = needs;
    this.#record = new KeptRecord({
      store: needs.store,
      key: 'record/device',
      version: 1,
      parse,
      initial: { last: null, mirror: null, speeds: {} },
      old: { key: 'donate', read: parse },
      failed: needs.failed,
    });
  }

  /** null until measured. */
  get probe(): Probe | null {
    return this.#probe;
  }

  get measuring(): boolean {
    return this.#measuring;
  }

  get kept(): readonly KeptModel[] {
    return this.#kept;
  }

  get quota(): StorageQuota | null {
    return this.#quota;
  }

  /** False: this browser keeps no models, and each is downloaded anew at the next visit. */
  get keepsModels(): boolean {
    return this.#keepsModels;
  }

  /** Why the device could not be examined, or a model not be deleted, the last time; null: that went well. */
  get trouble(): MeshError | null {
    return this.#trouble;
  }

  /** Every model of the catalogue and of the visitor's own, with how it fits this device; empty until the device was measured. */
  get choices(): Choice[] {
    const probe = this.#probe;
    if (probe === null) return [];
    const { speeds } = this.#record.value;
    const choice = (model: CatalogueModel, own: boolean) => ({
      model,
      fit: fits(model, probe),
      kept: this.#kept.find(({ id }) => id === model.id) ?? null,
      tokensPerSecond: speeds[model.id] ?? null,
      own,
    });
    // Only the visitor's disk has the others: without their file they are nothing.
    const own = this.#own.filter(({ id }) => this.#kept.some((kept) => kept.id === id && kept.whole));
    return [...this.#needs.models().map((model) => choice(model, false)), ...own.map((model) => choice(model, true))];
  }

  /** What the switch would load. */
  get chosen(): CatalogueModel | null {
    return this.#probe === null
      ? null
      : proposeModel(this.#needs.models(), this.#probe, this.#kept, this.#record.value.last);
  }

  /** What we would take here. */
  get recommended(): CatalogueModel | null {
    return this.#probe === null ? null : proposeModel(this.#needs.models(), this.#probe, this.#kept, null);
  }

  /** Base URL of a model mirror, as `parseMirror` gives it. Applies from the next start on. */
  get mirror(): string | null {
    return this.#record.value.mirror;
  }

  set mirror(mirror: string | null) {
    this.#change({ mirror });
    void this.look();
  }

  get settings(): EngineSettings {
    return { mirror: this.mirror, hadGpu: this.#hadGpu };
  }

  choose(id: ModelId): void {
    this.#change({ last: id });
  }

  learnSpeed(id: ModelId, tokensPerSecond: number): void {
    void this.#record.change((kept) => ({ ...kept, speeds: { ...kept.speeds, [id]: tokensPerSecond } }));
  }

  async restore(): Promise<void> {
    await this.#record.restore();
  }

  /** Asks the browser what this device can do. Rejects with `cancelled`, or with the engine worker's error. */
  async probeNow(signal: AbortSignal): Promise<Probe> {
    const engine = await this.#needs.newEngine(() => this.settings);
    try {
      this.#probe = await engine.probe(signal);
      if (this.#probe.backend === 'webgpu') this.#hadGpu = true;
      return this.#probe;
    } finally {
      await engine.close();
    }
  }

  /** Measures what this device can do, and looks which models it has. Never rejects. */
  measure(): Promise<void> {
    this.#measurement ??= this.#measure().finally(() => (this.#measurement = null));
    return this.#measurement;
  }

  /** Looks which models are on this device. Never rejects. */
  async look(): Promise<void> {
    const { shelf, models, ownModels, failed } = this.#needs;
    try {
      this.#keepsModels = await shelf.lasting();
      this.#quota = await shelf.quota();
      const own = (await ownModels?.()) ?? [];
      this.#kept = await shelf.kept([...models(), ...own], this.settings);
      this.#own = own;
    } catch (error) {
      failed(error);
    }
  }

  /** Deletes a downloaded model. Never rejects. */
  async remove(model: CatalogueModel): Promise<void> {
    this.#trouble = null;
    try {
      await this.#needs.shelf.remove(model, this.settings);
    } catch (error) {
      this.#failed(error, `${model.name} could not be deleted. Restart the browser and try again.`);
    }
    await this.look();
  }

  async #measure(): Promise<void> {
    this.#measuring = true;
    this.#trouble = null;
    try {
      await this.probeNow(new AbortController().signal);
    } catch (error) {
      this.#failed(error, 'This device could not be examined. Reload the page and try again.');
    } finally {
      this.#measuring = false;
    }
    await this.look();
  }

  #failed(error: unknown, words: string): void {
    this.#trouble = asMeshError(error, 'engine_failed', words);
    this.#needs.failed(error);
  }

  #change(choice: Partial<Kept>): void {
    void this.#record.change((kept) => ({ ...kept, ...choice }));
  }
}
