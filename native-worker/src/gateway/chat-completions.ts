/** `POST /v1/chat/completions`. */
import { parseChatRequest, type ChatRequest } from './request/chat-request.ts';
import { chatWords } from './answer/chat-words.ts';
import { repeated, type ChoicesQuestion } from './answer/choices.ts';
import { inChunks } from './answer/chunk-stream.ts';
import { legacyWords } from './answer/legacy-words.ts';
import { whoMayRead } from './request/privacy.ts';
import { respond, type EndpointNeeds } from './answer/respond.ts';

/** Throws an `ApiError` while nothing has been answered yet. `signal`: the client is gone. */
export async function chatCompletions(body: unknown, needs: EndpointNeeds, signal: AbortSignal): Promise<Response> {
  const request = parseChatRequest(body);
  const usual = chatWords(request.logprobs !== null);
  const words = inChunks(request.legacy ? legacyWords(usual) : usual, request.includeUsage);
  return respond({ questions: chatQuestions(request, needs), words, kind: 'chatcmpl-' }, request, needs, signal);
}

/** What the mesh is asked for one chat request, whichever API it came by: a question for each choice. */
export function chatQuestions(request: ChatRequest, { models, circles }: EndpointNeeds): ChoicesQuestion[] {
  const { turns, sampling, maxTokens, thinking, stops, schema, tools, logprobs, adapter } = request;
  const question = {
    turns,
    sampling,
    maxTokens,
    stops,
    inForm: tools,
    ...(thinking !== null && { thinking }),
    ...(schema !== null && { schema }),
    ...(logprobs !== null && { logprobs }),
    ...(adapter !== null && { adapter }),
    models: models.choose(request.models, 'chat', adapter),
    ...whoMayRead(request, circles),
  };
  return repeated(question, request.choices);
}
