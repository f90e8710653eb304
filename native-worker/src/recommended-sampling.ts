/** How the next token is chosen where a request does not say. */
import type { GgufFileInfo } from 'node-llama-cpp';

/** Models this small know answers by heart: anything but the likeliest token is a mistake. */
const BY_HEART_PARAMETERS = 10_000_000;
const TEMPERATURE = 0.7;
const TOP_P = 0.95;
const TOP_K = 40;

export interface FullSampling {
  temperature: number;
  topP: number;
  topK: number;
}

/** What the model's makers recommend, where the file says it (`general.sampling.*`). */
export function recommendedSampling(file: GgufFileInfo): FullSampling {
  const general: object = file.metadata.general;
  const sampling: unknown = Reflect.get(general, 'sampling');
  const read = (key: string, otherwise: number): number => {
    const value: unknown = typeof sampling === 'object' && sampling !== null ? Reflect.get(sampling, key) : undefined;
    return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : otherwise;
  };
  return {
    temperature: read('temp', parameters(file) < BY_HEART_PARAMETERS ? 0 : TEMPERATURE),
    topP: read('top_p', TOP_P),
    topK: read('top_k', TOP_K),
  };
}

function parameters(file: GgufFileInfo): number {
  const tensors = file.fullTensorInfo ?? [];
  return tensors.reduce((sum, { dimensions }) => sum + dimensions.reduce<number>((size, n) => size * Number(n), 1), 0);
}
