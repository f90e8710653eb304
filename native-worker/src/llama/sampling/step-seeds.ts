/** A seed for each token of an answer: llama.cpp's binding hears of one before the first token, and keeps it for the rest. */
import type { LlamaContextSequence } from 'node-llama-cpp';

/** Private to node-llama-cpp 3.22.1: called for each token that is chosen. A new seed makes a new generator. */
interface Sequence {
  _resolveSamplerConfig(options: { seed?: number | undefined }): object;
}

/** From now on `seed` is asked before each token that this sequence chooses without a seed of its own. */
export function seedSteps(sequence: LlamaContextSequence, seed: () => number): void {
  const prototype: Sequence = Object.getPrototypeOf(sequence);
  const resolve = prototype._resolveSamplerConfig.bind(sequence);
  const seeded: Sequence['_resolveSamplerConfig'] = (options) => resolve({ ...options, seed: options.seed ?? seed() });
  Object.defineProperty(sequence, '_resolveSamplerConfig', { value: seeded, configurable: true });
}
