/** How the next token is chosen, as llama.cpp's binding wants to be told. */
import { TokenBias, type LlamaModel, type SequenceEvaluateOptions, type Token } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/base/errors';
import type { Sampling } from '@llmesh/core/protocol';
import type { RecommendedSampling } from '@llmesh/core/engine/recommended-sampling';
import { indexAsPriority } from '../context/batching.ts';

/**
 * `answered`: the answer so far, which is read at each step; at most `most` tokens. What is drawn has no seed yet: each token
 * has its own.
 */
export function evaluateOptions(
  wanted: Sampling,
  defaults: RecommendedSampling,
  bias: TokenBias | null,
  place: number,
  answered: Token[],
  most: number,
): SequenceEvaluateOptions {
  const temperature = wanted.temperature ?? defaults.temperature;
  return {
    temperature,
    topP: wanted.topP ?? defaults.topP,
    topK: wanted.topK ?? defaults.topK,
    ...(wanted.minP !== undefined && { minP: wanted.minP }),
    // Nothing is drawn, and another seed for each token would only cost time.
    ...(temperature === 0 && { seed: 0 }),
    evaluationPriority: indexAsPriority(place),
    ...(bias !== null && { tokenBias: bias }),
    ...(isPenalized(wanted) && {
      repeatPenalty: {
        punishTokens: () => answered,
        maxPunishTokens: most,
        penalty: wanted.repeatPenalty ?? 1,
        presencePenalty: wanted.presencePenalty ?? 0,
        frequencyPenalty: wanted.frequencyPenalty ?? 0,
      },
    }),
  };
}

export function isPenalized({ presencePenalty = 0, frequencyPenalty = 0, repeatPenalty = 1 }: Sampling): boolean {
  return presencePenalty !== 0 || frequencyPenalty !== 0 || repeatPenalty !== 1;
}

/**
 * Null: no token is likelier than the model finds it. An id that the model has no token for changes nothing. Throws
 * unsupported for a token that ends the answer: the library leaves those as they are, without a word.
 */
export function tokenBiasOf(model: LlamaModel, { logitBias = [] }: Sampling): TokenBias | null {
  const real = logitBias.filter(([, logit]) => logit !== 0);
  if (real.length === 0) return null;
  const bias = TokenBias.for(model);
  for (const [id, logit] of real) {
    const token = id as Token;
    if (model.isEogToken(token)) {
      const message = `This volunteer cannot make an answer end sooner or later: leave token ${id} out of "logit_bias".`;
      throw new MeshError('unsupported', message);
    }
    bias.set(token, { logit });
  }
  return bias;
}
