/** How the next token is chosen: as the request says, else as the model's makers recommend. */
import type { GgufHeader } from '@llmesh/core/gguf/gguf-header';
import { recommendedSampling, type RecommendedSampling } from '@llmesh/core/engine/recommended-sampling';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Sampling } from '@llmesh/core/protocol';

export interface FullSampling {
  temperature: number;
  topP: number;
  /** 0: all of them. */
  topK: number;
  minP: number;
}

/** Every engine fills in the same, or none could check what another one drew. */
export function samplingFor(defaults: RecommendedSampling, asked: Sampling): FullSampling {
  const { temperature = defaults.temperature, topP = defaults.topP, topK = defaults.topK, minP = 0 } = asked;
  return { temperature, topP, topK, minP };
}

/** The recommendation in the file goes before ours (`general.sampling.*`), as it does in native workers. */
export function ggufDefaults(
  { parameters }: Pick<CatalogueModel, 'parameters'>,
  { fields }: Pick<GgufHeader, 'fields'>,
): RecommendedSampling {
  const read = (key: string, otherwise: number): number => {
    const value = fields.get(`general.sampling.${key}`)?.value;
    return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : otherwise;
  };
  const { temperature, topP, topK } = recommendedSampling(parameters);
  return { temperature: read('temp', temperature), topP: read('top_p', topP), topK: read('top_k', topK) };
}
