/** The fields that say how the next token is chosen: OpenAI's, and those of other servers of open models. */
import * as v from 'valibot';
import {
  MAX_BIASED_TOKENS,
  MAX_LOGIT_BIAS,
  MAX_REPEAT_PENALTY,
  MAX_TOKEN_ID,
  MIN_REPEAT_PENALTY,
  type Sampling,
} from '@llmesh/core/protocol';
import { badRequest } from './api-error.ts';
import { between, whole } from './checked.ts';

const seed = v.pipe(
  v.number(),
  v.check((value) => Number.isInteger(value) && Math.abs(value) <= 2 ** 64, 'It is a whole number of up to 64 bits.'),
);
const tokenId = v.pipe(
  v.string(),
  v.check((id) => /^\d{1,10}$/.test(id) && Number(id) <= MAX_TOKEN_ID, 'Its keys are ids of tokens, whole numbers.'),
);
const BIASES = `Up to ${MAX_BIASED_TOKENS} tokens can be made likelier or less likely.`;
const repeatPenalty = between(MIN_REPEAT_PENALTY, MAX_REPEAT_PENALTY);

export const SAMPLING = {
  temperature: v.optional(between(0, 2)),
  top_p: v.optional(between(0, 1)),
  /** −1, like 0, is "all of them". */
  top_k: v.optional(whole(-1, MAX_TOKEN_ID)),
  min_p: v.optional(between(0, 1)),
  seed: v.optional(seed),
  presence_penalty: v.optional(between(-2, 2)),
  frequency_penalty: v.optional(between(-2, 2)),
  /** Both names mean the same. */
  repeat_penalty: v.optional(repeatPenalty),
  repetition_penalty: v.optional(repeatPenalty),
  logit_bias: v.optional(
    v.pipe(
      v.record(tokenId, between(-MAX_LOGIT_BIAS, MAX_LOGIT_BIAS)),
      v.check((biases) => Object.keys(biases).length <= MAX_BIASED_TOKENS, BIASES),
    ),
  ),
};

type SamplingRequest = v.InferOutput<ReturnType<typeof v.object<typeof SAMPLING, undefined>>>;

/** What changes nothing is left out, so that it takes no volunteer who could do more. */
export function samplingOf(request: SamplingRequest): Sampling {
  const { temperature, top_p: topP, top_k: topK, min_p: minP = 0, seed: wanted } = request;
  const { presence_penalty: presencePenalty = 0, frequency_penalty: frequencyPenalty = 0 } = request;
  const { repeat_penalty, repetition_penalty, logit_bias: biases = {} } = request;
  const repeat = repeat_penalty ?? repetition_penalty ?? 1;
  if (repetition_penalty !== undefined && repetition_penalty !== repeat) {
    throw badRequest('repetition_penalty', 'Say "repeat_penalty" or "repetition_penalty": both mean the same.');
  }
  const logitBias = Object.entries(biases)
    .filter(([, bias]) => bias !== 0)
    .map(([id, bias]): [number, number] => [Number(id), bias]);
  return {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(topK !== undefined && { topK: Math.max(0, topK) }),
    ...(minP !== 0 && { minP }),
    ...(wanted !== undefined && wanted !== ANY_SEED && { seed: toSeed(wanted) }),
    ...(presencePenalty !== 0 && { presencePenalty }),
    ...(frequencyPenalty !== 0 && { frequencyPenalty }),
    ...(repeat !== 1 && { repeatPenalty: repeat }),
    ...(logitBias.length > 0 && { logitBias }),
  };
}

/** Every server of open models takes this for "another one each time". */
const ANY_SEED = -1;

/** Seeds elsewhere have a sign and up to 64 bits, ours 32 bits and no sign: the same seed always maps to the same one. */
export function toSeed(seed: number): number {
  return ((seed % 0x1_0000_0000) + 0x1_0000_0000) % 0x1_0000_0000;
}
