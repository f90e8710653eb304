/** Which models are on this device. The adapter is `engines/browser-shelf.ts`. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { ModelId } from '@llmesh/core/base/ids';
import type { EngineSettings } from './engine-settings.ts';

export interface KeptModel {
  id: ModelId;
  bytes: number;
  /** False: a download was interrupted; it continues where it stopped. */
  whole: boolean;
}

export interface StorageQuota {
  usedBytes: number;
  quotaBytes: number;
}

export interface ModelShelf {
  /** False: this browser keeps no models, and each is downloaded anew. */
  lasting(): Promise<boolean>;
  kept(models: readonly CatalogueModel[], settings: EngineSettings): Promise<KeptModel[]>;
  /** Idempotent. */
  remove(model: CatalogueModel, settings: EngineSettings): Promise<void>;
  /** null where the browser does not say. */
  quota(): Promise<StorageQuota | null>;
}
