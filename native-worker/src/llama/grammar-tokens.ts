/** Brings a grammar to where an answer stands. */
import { LlamaGrammarEvaluationState, type LlamaGrammar, type LlamaModel, type Token } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/base/errors';
import { grammarText, type Grammar } from '@llmesh/core/form/grammar';
import type { GrammarTrial } from '../contained/grammar-trial.ts';

/** The library advances a state only while it samples; these words were sampled without it. */
interface Sampler {
  canBeNextTokenForGrammarEvaluationState(state: unknown, token: Token): boolean;
  acceptGrammarEvaluationStateToken(state: unknown, token: Token): void;
}

/** Null: llama.cpp cannot follow it, and calls are free. Throws busy or cancelled. */
export async function callRules(
  trial: GrammarTrial,
  model: LlamaModel,
  grammar: Grammar,
  signal: AbortSignal,
): Promise<LlamaGrammar | null> {
  const text = grammarText(grammar);
  try {
    await trial.check(text, '', signal);
    return await model.llama.createGrammar({ grammar: text });
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code !== 'bad_schema') throw thrown;
    return null;
  }
}

/** The state behind `written`; null: the grammar does not allow that. */
export function grammarBehind(
  model: LlamaModel,
  grammar: LlamaGrammar,
  written: readonly Token[],
): LlamaGrammarEvaluationState | null {
  const state = new LlamaGrammarEvaluationState({ model, grammar });
  const inner = (state as unknown as { _state: unknown })._state;
  const sampler = (model.llama as unknown as { _bindings: { AddonSampler: Sampler } })._bindings.AddonSampler;
  for (const token of written) {
    // A token that does not fit would end the process.
    if (!sampler.canBeNextTokenForGrammarEvaluationState(inner, token)) return null;
    sampler.acceptGrammarEvaluationStateToken(inner, token);
  }
  return state;
}
