/** Brings the state of a grammar behind words that were sampled without it: the library advances one only while it samples. */
import type { LlamaGrammarEvaluationState, LlamaModel, Token } from 'node-llama-cpp';

interface Sampler {
  canBeNextTokenForGrammarEvaluationState(state: unknown, token: Token): boolean;
  acceptGrammarEvaluationStateToken(state: unknown, token: Token): void;
}

/** Advances `state` by a token, and returns true; false: the grammar does not allow it there. */
export function advancing(model: LlamaModel, state: LlamaGrammarEvaluationState): (token: Token) => boolean {
  const inner = (state as unknown as { _state: unknown })._state;
  const sampler = (model.llama as unknown as { _bindings: { AddonSampler: Sampler } })._bindings.AddonSampler;
  return (token) => {
    // A token that does not fit would end the process.
    if (!sampler.canBeNextTokenForGrammarEvaluationState(inner, token)) return false;
    sampler.acceptGrammarEvaluationStateToken(inner, token);
    return true;
  };
}
