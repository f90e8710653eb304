/** How long a question is. Only a provider can tell, as tokens are its model's: it reads the question, and is stopped then. */
import type { MessageTokensCount } from '@anthropic-ai/sdk/resources/messages';
import { MeshError } from '@llmesh/core/base/errors';
import { answer, type AnswerNeeds, type Question } from '../answer/answer.ts';

/** Throws a `MeshError`. `signal`: the client is gone. */
export async function promptCount(
  question: Question,
  needs: AnswerNeeds,
  signal: AbortSignal,
): Promise<MessageTokensCount> {
  for await (const part of answer(question, needs, signal)) {
    if (part.type === 'waiting') continue;
    const promptTokens = part.type === 'end' ? part.ending.promptTokens : part.promptTokens;
    if (promptTokens !== null) return { input_tokens: promptTokens };
    break;
  }
  const message = 'The volunteers of this model do not say how long a question is. Ask it, and read the usage.';
  throw new MeshError('unsupported', message);
}
