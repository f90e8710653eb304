/** Where the files of a model come from before an engine reads them. The adapter is `engines/supply/swarm-supply.ts`. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { LoadProgress } from '@llmesh/core/engine/engine';
import type { EngineSettings } from './engine-settings.ts';

export interface ModelSupply {
  /**
   * Brings a model to this device, from volunteers and from its source. Resolves also when it is here already, or when nobody has
   * what it takes and the engine has to fetch it by itself. Rejects as `Loadable.load` does.
   */
  bring(
    model: CatalogueModel,
    settings: EngineSettings,
    onProgress: (progress: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<void>;
}
