/** `POST /v1/chat/completions`. */
import { parseChatRequest } from './request/chat-request.ts';
import { chatWords } from './answer/chat-words.ts';
import { inChunks } from './answer/chunk-stream.ts';
import { legacyWords } from './answer/legacy-words.ts';
import { chatQuestions } from './answer/chat-questions.ts';
import { respond, type EndpointNeeds } from './answer/respond.ts';

/** Throws an `ApiError` while nothing has been answered yet. `signal`: the client is gone. */
export async function chatCompletions(body: unknown, needs: EndpointNeeds, signal: AbortSignal): Promise<Response> {
  const request = parseChatRequest(body);
  const usual = chatWords(request.logprobs !== null);
  const words = inChunks(request.legacy ? legacyWords(usual) : usual, request.includeUsage);
  return respond({ questions: chatQuestions(request, needs), words, kind: 'chatcmpl-' }, request, needs, signal);
}
