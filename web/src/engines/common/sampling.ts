/** How the next token is chosen: as the request says, else by the model's defaults. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Sampling } from '@llmesh/core/protocol';
import { recommendedSampling } from '@llmesh/core/engine/recommended-sampling';

export interface FullSampling {
  temperature: number;
  topP: number;
  seed: number | undefined;
}

export function samplingFor(model: Pick<CatalogueModel, 'parameters'>, asked: Sampling): FullSampling {
  const { temperature, topP } = recommendedSampling(model.parameters);
  return { temperature: asked.temperature ?? temperature, topP: asked.topP ?? topP, seed: asked.seed };
}
