/** How the next token is chosen where the request does not say. */
import type { CatalogueModel } from '@llmesh/core/catalogue';
import type { Sampling } from '@llmesh/core/protocol';

/** Models this small know answers by heart: anything but the likeliest token is a mistake. */
const BY_HEART_PARAMETERS = 10_000_000;
const TEMPERATURE = 0.7;
const TOP_P = 0.95;

export interface FullSampling {
  temperature: number;
  topP: number;
  seed: number | undefined;
}

export function samplingFor(model: Pick<CatalogueModel, 'parameters'>, asked: Sampling): FullSampling {
  return {
    temperature: asked.temperature ?? (model.parameters < BY_HEART_PARAMETERS ? 0 : TEMPERATURE),
    topP: asked.topP ?? TOP_P,
    seed: asked.seed,
  };
}
