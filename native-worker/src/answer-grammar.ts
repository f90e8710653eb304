/** Holds an answer to a JSON schema, token by token. */
import { setImmediate } from 'node:timers/promises';
import { LlamaGrammarEvaluationState, type Llama, type LlamaModel, type Token } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/errors';
import { jsonGrammar } from '@llmesh/core/json-grammar';
import type { JsonSchema } from '@llmesh/core/json-schema';

/** The library moves a state on only while it samples; what another provider wrote was sampled elsewhere. */
interface Sampler {
  canBeNextTokenForGrammarEvaluationState(state: unknown, token: Token): boolean;
  acceptGrammarEvaluationStateToken(state: unknown, token: Token): void;
}

/** Read in one go, as nothing else of this program runs meanwhile. */
const TOKENS_AT_ONCE = 64;

/**
 * For one answer, after `delivered` of it. Throws bad_schema when llama.cpp cannot read it, or `delivered` breaks it; `check`
 * throws when nobody wants it any more.
 */
export async function answerGrammar(
  llama: Llama,
  model: LlamaModel,
  schema: JsonSchema,
  delivered: readonly Token[],
  check: () => void,
): Promise<LlamaGrammarEvaluationState> {
  let state: LlamaGrammarEvaluationState;
  try {
    const grammar = await llama.createGrammar({ grammar: jsonGrammar(schema) });
    state = new LlamaGrammarEvaluationState({ model, grammar });
  } catch (cause) {
    throw new MeshError('bad_schema', 'This JSON schema asks for more than can be held to. Make it simpler.', {
      cause,
    });
  }
  const inner = (state as unknown as { _state: unknown })._state;
  const sampler = (llama as unknown as { _bindings: { AddonSampler: Sampler } })._bindings.AddonSampler;
  for (const [i, token] of delivered.entries()) {
    if (i % TOKENS_AT_ONCE === TOKENS_AT_ONCE - 1) {
      await setImmediate();
      check();
    }
    // A token that does not fit would end the process.
    if (!sampler.canBeNextTokenForGrammarEvaluationState(inner, token)) {
      throw new MeshError('bad_schema', 'What there is of this answer does not follow its JSON schema. Ask anew.');
    }
    sampler.acceptGrammarEvaluationStateToken(inner, token);
  }
  return state;
}
