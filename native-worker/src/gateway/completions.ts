/** `POST /v1/completions`: bare texts are continued, without a template around them. */
import { repeated } from './answer/choices.ts';
import { inChunks } from './answer/chunk-stream.ts';
import { askedWith } from './request/adapters.ts';
import { parseCompletionRequest } from './request/completion-request.ts';
import { whoMayRead } from './request/privacy.ts';
import { respond, type EndpointNeeds } from './answer/respond.ts';
import { textWords } from './answer/text-words.ts';

/** Throws an `ApiError` while nothing has been answered yet. `signal`: the client is gone. */
export async function completions(body: unknown, needs: EndpointNeeds, signal: AbortSignal): Promise<Response> {
  const request = parseCompletionRequest(body);
  const { sampling, maxTokens, stops, logprobs } = request;
  const adapter = needs.models.adapters.find(request.adapter);
  const shared = {
    sampling,
    maxTokens,
    stops,
    task: 'completion' as const,
    ...(logprobs !== null && { logprobs }),
    ...askedWith(adapter),
    models: needs.models.choose(request.models, 'chat', adapter),
    ...whoMayRead(request, needs.circles),
  };
  const questions = request.prompts.flatMap((content) =>
    repeated({ ...shared, turns: [{ role: 'user' as const, content }] }, request.choices),
  );
  return respond(
    { questions, words: inChunks(textWords(request), request.includeUsage), kind: 'cmpl-' },
    request,
    needs,
    signal,
  );
}
