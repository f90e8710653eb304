/** What the mesh is asked for one chat request, whichever API it came by. */
import { askedWith } from '../request/adapters.ts';
import type { ChatRequest } from '../request/chat-request.ts';
import { whoMayRead } from '../request/privacy.ts';
import { repeated, type ChoicesQuestion } from './choices.ts';
import type { EndpointNeeds } from './respond.ts';

/** A question for each choice. Throws an `ApiError` when nobody lends the model, or nobody may read it. */
export function chatQuestions(request: ChatRequest, { models, circles }: EndpointNeeds): ChoicesQuestion[] {
  const { turns, sampling, maxTokens, thinking, stops, schema, tools, wanted, logprobs } = request;
  const adapter = models.adapters.find(request.adapter);
  const question = {
    turns,
    sampling,
    maxTokens,
    stops,
    wanted,
    ...(tools !== null && { tools }),
    ...(thinking !== null && { thinking }),
    ...(schema !== null && { schema }),
    ...(logprobs !== null && { logprobs }),
    ...askedWith(adapter),
    models: models.choose(request.models, 'chat', adapter),
    ...whoMayRead(request, circles),
  };
  return repeated(question, request.choices);
}
