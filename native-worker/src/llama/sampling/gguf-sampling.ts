/** How the next token is chosen where a request does not say. */
import { recommendedSampling, type RecommendedSampling } from '@llmesh/core/engine/recommended-sampling';
import type { GgufFileInfo } from 'node-llama-cpp';

/** The recommendation of the model's makers, where the file has one (`general.sampling.*`). */
export function ggufSampling(file: GgufFileInfo): RecommendedSampling {
  const general: object = file.metadata.general;
  const sampling: unknown = Reflect.get(general, 'sampling');
  const read = (key: string, otherwise: number): number => {
    const value: unknown = typeof sampling === 'object' && sampling !== null ? Reflect.get(sampling, key) : undefined;
    return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : otherwise;
  };
  const { temperature, topP, topK } = recommendedSampling(parameters(file));
  return { temperature: read('temp', temperature), topP: read('top_p', topP), topK: read('top_k', topK) };
}

function parameters(file: GgufFileInfo): number {
  const tensors = file.fullTensorInfo ?? [];
  return tensors.reduce((sum, { dimensions }) => sum + dimensions.reduce<number>((size, n) => size * Number(n), 1), 0);
}
