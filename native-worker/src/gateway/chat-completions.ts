/** `POST /v1/chat/completions`. */
import { parseChatRequest } from './request/chat-request.ts';
import { chatWords } from './answer/chat-words.ts';
import { repeated } from './answer/choices.ts';
import { legacyWords } from './answer/legacy-words.ts';
import { whoMayRead } from './request/privacy.ts';
import { respond, type EndpointNeeds } from './answer/respond.ts';

/** Throws an `ApiError` while nothing has been answered yet. `signal`: the client is gone. */
export async function chatCompletions(body: unknown, needs: EndpointNeeds, signal: AbortSignal): Promise<Response> {
  const request = parseChatRequest(body);
  const { turns, sampling, maxTokens, thinking, stops, schema, tools, logprobs, adapter } = request;
  const question = {
    turns,
    sampling,
    maxTokens,
    stops,
    ...(tools !== null && { tools }),
    ...(thinking !== null && { thinking }),
    ...(schema !== null && { schema }),
    ...(logprobs !== null && { logprobs }),
    ...(adapter !== null && { adapter }),
    models: needs.models.choose(request.models, 'chat', adapter),
    ...whoMayRead(request, needs.circles),
  };
  const questions = repeated(question, request.choices);
  const usual = chatWords(logprobs !== null);
  const words = request.legacy ? legacyWords(usual) : usual;
  return respond({ questions, words, kind: 'chatcmpl' }, request, needs, signal);
}
