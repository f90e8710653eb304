/** The error for a file that llama.cpp did not load. */
import { InsufficientMemoryError } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/base/errors';

export function loadError(thrown: unknown, path: string): MeshError {
  if (thrown instanceof MeshError) return thrown;
  if (thrown instanceof InsufficientMemoryError) {
    return new MeshError(
      'out_of_memory',
      'This model does not fit into the free memory. Close other programs, lower --ctx or --slots, or choose a smaller model.',
      { cause: thrown },
    );
  }
  return new MeshError(
    'model_unreadable',
    `${path} is damaged, cut short, or made for another version of llama.cpp. Download it again.`,
    { cause: thrown },
  );
}
