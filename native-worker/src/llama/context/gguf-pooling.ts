/** Whether a model embeds: its file says how the vectors of a text's tokens become one. */
import type { GgufFileInfo } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/base/errors';

/** `pooling_type` of the architecture: https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h */
const POOLS = { mean: 1, cls: 2, last: 3 };
const RANKS = 4;

/** False: it chats. Throws model_unreadable for a model that does neither. */
export function isEmbedder({ architectureMetadata }: GgufFileInfo): boolean {
  const pooling: unknown = architectureMetadata.pooling_type;
  if (pooling === RANKS) {
    throw new MeshError(
      'model_unreadable',
      'This model ranks texts. A mesh lends models that chat or embed: choose one.',
    );
  }
  return Object.values(POOLS).some((pools) => pools === pooling);
}
