/** Holds an answer to a JSON schema, token by token. */
import { setImmediate } from 'node:timers/promises';
import { LlamaGrammarEvaluationState, type LlamaModel, type Token } from 'node-llama-cpp';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { grammarText } from '@llmesh/core/form/grammar';
import { jsonGrammar } from '@llmesh/core/form/json-grammar';
import type { JsonSchema } from '@llmesh/core/form/json-schema';
import type { GrammarTrial } from '../../contained/grammar-trial.ts';
import { advancing } from './grammar-state.ts';

/** How many are read in one go, during which nothing else of this program runs. */
const TOKENS_AT_ONCE = 64;

/**
 * The grammar of one answer, after `delivered` of it. It runs in this process, which answers others as well, so it is first
 * tried in another. Throws bad_schema when llama.cpp cannot read it, or `delivered` breaks it; busy, when there was no
 * verdict; cancelled.
 */
export async function answerGrammar(
  trial: GrammarTrial,
  model: LlamaModel,
  schema: JsonSchema,
  delivered: readonly Token[],
  signal: AbortSignal,
): Promise<LlamaGrammarEvaluationState> {
  const text = grammarText(jsonGrammar(schema));
  await trial.check(text, model.detokenize(delivered), signal);
  const { llama } = model;
  let state: LlamaGrammarEvaluationState;
  try {
    const grammar = await llama.createGrammar({ grammar: text });
    state = new LlamaGrammarEvaluationState({ model, grammar });
  } catch (cause) {
    throw new MeshError('bad_schema', 'This JSON schema asks for more than can be enforced. Make it simpler.', {
      cause,
    });
  }
  const advance = advancing(model, state);
  for (const [i, token] of delivered.entries()) {
    if (i % TOKENS_AT_ONCE === TOKENS_AT_ONCE - 1) {
      await setImmediate();
      if (signal.aborted) throw cancelled();
    }
    if (!advance(token)) {
      throw new MeshError('bad_schema', 'This answer so far does not follow its JSON schema. Ask again.');
    }
  }
  return state;
}
