/** How the next token is chosen, as llama.cpp's binding wants to be told. */
import type { SequenceEvaluateOptions, Token } from 'node-llama-cpp';
import type { Sampling } from '@llmesh/core/protocol';
import type { RecommendedSampling } from '@llmesh/core/engine/recommended-sampling';
import { indexAsPriority } from './context/batching.ts';

/** `answered`: returns the answer so far, and is called at each step; at most `most` tokens. */
export function evaluateOptions(
  wanted: Sampling,
  defaults: RecommendedSampling,
  place: number,
  answered: Token[],
  most: number,
): SequenceEvaluateOptions {
  return {
    temperature: wanted.temperature ?? defaults.temperature,
    topP: wanted.topP ?? defaults.topP,
    topK: defaults.topK,
    // Fixed once per answer: the library would take the time, afresh for each token. 2³² − 1 means "random" to llama.cpp.
    seed: wanted.seed === undefined ? Math.floor(Math.random() * 0xffff_ffff) : wanted.seed % 0xffff_ffff,
    evaluationPriority: indexAsPriority(place),
    ...(isPenalized(wanted) && {
      repeatPenalty: {
        punishTokens: () => answered,
        maxPunishTokens: most,
        penalty: 1,
        presencePenalty: wanted.presencePenalty ?? 0,
        frequencyPenalty: wanted.frequencyPenalty ?? 0,
      },
    }),
  };
}

export function isPenalized({ presencePenalty = 0, frequencyPenalty = 0 }: Sampling): boolean {
  return presencePenalty !== 0 || frequencyPenalty !== 0;
}
